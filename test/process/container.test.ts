// What the container runs, without a container: the entry point and the health check as the image calls them, and the Dockerfile's form.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from 'takeoff-server/config/load-config.js';
import { parse } from 'yaml';
import { z } from 'zod';
import { RunningServer, repositoryRoot } from '../../harness/running-server.js';

const ROOT = repositoryRoot();
const DOCKERFILE = readFileSync(path.join(ROOT, 'Dockerfile'), 'utf8');
const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-container-'));
afterAll(() => rmSync(folder, { recursive: true }));

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.looseObject({
      image: z.string(),
      environment: z.record(z.string(), z.string()).default({}),
      ports: z.array(z.string()).default([]),
      depends_on: z.array(z.string()).default([]),
    }),
  ),
});

/** Runs one of the image's programs and tells its exit code and what it printed. */
async function run(program: string, variables: Readonly<Record<string, string>>) {
  const args = [path.join(ROOT, 'deploy/container', program)];
  const env = { ...process.env, TAKEOFF_REPOSITORY_PATH: folder, ...variables };
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, args, { env })) };
  } catch (error) {
    const failed = error as { code: number; stdout: string; stderr: string };
    return { code: failed.code, stdout: failed.stdout, stderr: failed.stderr };
  }
}

const ANY_PORTS = {
  TAKEOFF_PORT: '0',
  TAKEOFF_LAUNCH_MANAGEMENT_SERVER: 'false',
  TAKEOFF_LAUNCH_OPENAI_SERVER: 'false',
};

describe('the Dockerfile', () => {
  it('has nothing that its linter warns of', () => {
    const warnings = validate(DOCKERFILE).map(({ message, range }) => ({
      line: range.start.line + 1,
      message,
    }));
    expect(warnings).toEqual([]);
  });

  it('runs the server as a user without rights', () => {
    const instructions = DOCKERFILE.split('\n').filter((line) => /^(?:USER|ENTRYPOINT)/u.test(line));
    expect(instructions).toEqual(['USER node', 'ENTRYPOINT ["node", "/app/deploy/container/entrypoint.js"]']);
  });
});

describe('compose.yaml', () => {
  const { services } = composeSchema.parse(
    parse(readFileSync(path.join(ROOT, 'compose.yaml'), 'utf8'), { merge: true }),
  );
  const own = Object.entries(services).filter(([, { image }]) => image === 'takeoff:latest');

  /** As compose does it where nothing is set. */
  const resolved = (text: string, values: Readonly<Record<string, string>>): string =>
    text.replaceAll(
      /\$\{(\w+)(?::([-+])([^}]*))?\}/gu,
      (_: string, name: string, sign: string | undefined, given: string | undefined) => {
        const other = given ?? '';
        const value = values[name] ?? '';
        return sign === '+' ? (value === '' ? '' : other) : value === '' ? other : value;
      },
    );

  it.each(own)('has for %s variables that the program starts with', (name, { environment }) => {
    for (const values of [{}, { MODEL: 'llava-v1.5-7b' }]) {
      const variables = Object.entries(environment).map(([key, value]) => [key, resolved(value, values)]);
      const { server, readers, warnings } = loadConfig({
        flags: new Map(),
        environment: Object.fromEntries(variables) as Record<string, string>,
      });
      expect(warnings).toEqual([]);
      expect(server.headless).toBe(name.startsWith('reader-'));
      if (server.headless)
        expect(readers[0]?.modelName).toBe(
          'MODEL' in values ? '/models/llava-v1.5-7b' : '/app/models/demo/checkpoint',
        );
      expect(server.redisUrl).toBe(/^(?:reader-|gateway$)/u.test(name) ? 'redis://redis:6379' : null);
    }
  });

  it.each(Object.entries(services))(
    'restricts %s, and opens its ports to this machine alone',
    (_name, service) => {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      for (const published of service.ports) expect(published).toMatch(/^127\.0\.0\.1:/u);
    },
  );

  it('starts Redis and both readers with the gateway', () => {
    expect(services['gateway']?.depends_on).toEqual(['redis', 'reader-one', 'reader-two']);
  });
});

describe("the container's entry point", () => {
  it('says in the line that launchers look for that a start has failed, below the reason', async () => {
    const { code, stderr } = await run('entrypoint.js', {
      ...ANY_PORTS,
      TAKEOFF_MODEL_NAME: '/no/such/model',
    });
    expect(code).toBe(1);
    const [line, reason] = stderr.trimEnd().split('\n').reverse();
    expect(line).toBe('TAKEOFF CONTAINER ERROR: the server ended with code 1; the lines above say why.');
    expect(reason).toContain('/no/such/model');
  });

  it('says so of a setting that is not allowed', async () => {
    const { code, stderr } = await run('entrypoint.js', { TAKEOFF_PORT: 'none' });
    expect(code).toBe(2);
    expect(stderr).toMatch(/TAKEOFF_PORT; allowed: .*\nTAKEOFF CONTAINER ERROR: /u);
  });
});

describe("the container's health check", () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await RunningServer.start({ env: { TAKEOFF_ECHO: 'true' } });
  });
  afterAll(() => server.stop());

  it('ends with 0 while a reader takes requests', async () => {
    const port = new URL(server.url).port;
    expect(await run('healthcheck.js', { TAKEOFF_PORT: port })).toMatchObject({ code: 0, stdout: '200\n' });
  });

  it('ends with 1 where nobody answers', async () => {
    await server.stop();
    expect(await run('healthcheck.js', { TAKEOFF_PORT: new URL(server.url).port })).toMatchObject({
      code: 1,
    });
  });
});
