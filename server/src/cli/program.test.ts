import { describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../../../test/oracles/recording-terminal.js';
import { createProgram } from './program.js';

async function run(...words: string[]): Promise<{ terminal: RecordingTerminal; error: unknown }> {
  const terminal = new RecordingTerminal();
  let error: unknown;
  await createProgram(terminal)
    .parseAsync(words, { from: 'user' })
    .catch((reason: unknown) => {
      error = reason;
    });
  return { terminal, error };
}

describe('the command line', () => {
  it('prints the resolved configuration with serve --print-config and starts no server', async () => {
    const { terminal, error } = await run('serve', '--print-config', '--port', '4000', '--model', '/m');
    expect(error).toBeUndefined();
    const { takeoff } = JSON.parse(terminal.written) as { takeoff: Record<string, Record<string, unknown>> };
    expect(takeoff['server_config']).toMatchObject({ port: 4000 });
    expect(Object.values(takeoff['readers_config'] ?? {})).toMatchObject([{ model_name: '/m' }]);
  });

  it('prints the warnings of the configuration beside it', async () => {
    const { terminal } = await run('serve', '--print-config', '--remote-image-allowlist', 'store.internal');
    expect(terminal.complained).toContain('warning: remote_image_allowlist has no effect');
    expect(() => JSON.parse(terminal.written) as unknown).not.toThrow();
  });

  it('lists every command, and a flag of serve for every setting', async () => {
    expect((await run('--help')).terminal.written).toMatch(/serve[\s\S]*convert[\s\S]*inspect[\s\S]*doctor/u);
    const help = (await run('serve', '--help')).terminal.written;
    for (const flag of [
      '--model <',
      '--port <',
      '--host <',
      '--config <',
      '--print-config',
      '--allow-remote-images [',
    ]) {
      expect(help).toContain(flag);
    }
  });

  it('refuses an unknown flag and suggests a similar one', async () => {
    const { terminal, error } = await run('serve', '--prot', '1');
    expect(error).toMatchObject({ code: 'commander.unknownOption' });
    expect(terminal.complained).toContain('--port');
  });

  it('refuses an unknown --quant before anything is loaded', async () => {
    const { terminal, error } = await run('convert', '/m', '--quant', 'q3');
    expect(error).toMatchObject({ code: 'commander.invalidArgument' });
    expect(terminal.complained).toContain('q8_0');
  });
});
