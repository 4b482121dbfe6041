// The program `takeoff` as a child process: exit codes, messages, and the commands that do not serve.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-command-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs in an empty folder, because nothing may depend on where the program is started. */
function takeoff(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const program = path.join(ROOT, 'server/bin/takeoff.js');
  const run = spawnSync(process.execPath, [program, ...words], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: folder, ...env },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

describe('takeoff', () => {
  it('ends with code 2 and one sentence for an invalid value of a setting', () => {
    const { code, out, err } = takeoff(['serve'], { TAKEOFF_PORT: 'eighty' });
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toBe(
      'takeoff: port is "eighty", from the environment variable TAKEOFF_PORT; allowed: a whole number from 0 to 65535 ' +
        '(0 takes any free port).\n',
    );
  });

  it('ends with code 1 and the reason when the only model cannot be loaded', () => {
    const ports = ['--port', '0', '--management-port', '0', '--openai-port', '0'];
    const { code, err } = takeoff(['serve', ...ports, '--model', path.join(folder, 'no-model')]);
    expect(code).toBe(1);
    expect(err).toMatch(/takeoff: .*no-model.*\(checkpoint\.missing\)\n$/u);
  });

  it('prints its version', () => {
    expect(takeoff(['--version'])).toEqual({ code: 0, out: '0.1.0\n', err: '' });
  });

  it('prints with doctor what the machine offers, as lines and as JSON', () => {
    const { code, out } = takeoff(['doctor', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ llamaCppVersion: 'v0.5.0', nodeVersion: process.version });
    const lines = takeoff(['doctor']).out;
    expect(lines).toMatch(/^llama\.cpp +v0\.5\.0$/mu);
    expect(lines).toMatch(/^kernels +(?:\w+ for Q4_0|llama\.cpp's own, because \w)/mu);
  });

  it('names with doctor the folder that lacks the libraries', () => {
    const { code, err } = takeoff(['doctor', '--llama-lib-dir', folder]);
    expect(code).toBe(1);
    expect(err).toContain(folder);
    expect(err).toContain('(native.library_missing)');
  });

  it('converts the demo model with convert and prints the paths of the pair', () => {
    const outDir = path.join(folder, 'pair');
    const { code, out } = takeoff([
      'convert',
      path.join(ROOT, 'models/demo/checkpoint'),
      '--out',
      outDir,
      '--json',
    ]);
    expect(code).toBe(0);
    const paths = JSON.parse(out) as { modelPath: string; projectorPath: string };
    expect([existsSync(paths.modelPath), existsSync(paths.projectorPath)]).toEqual([true, true]);
    expect(path.dirname(paths.modelPath)).toBe(outDir);
  });

  it('refuses to convert a folder that is no checkpoint', () => {
    const { code, out, err } = takeoff(['convert', folder]);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/\(checkpoint\.\w+\)\n$/u);
  });
});
