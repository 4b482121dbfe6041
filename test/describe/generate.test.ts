// `takeoff generate` with the demo model: on a running server, and on one that the command starts.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { takeoff, type Ended } from './command.js';

const IMAGE = fileURLToPath(new URL('../../models/demo/images/two-shapes.jpg', import.meta.url));
const ANSWER =
  'The picture shows a large yellow triangle on the right and a large purple circle at the bottom on a white background.';

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-generate-'));
const env = { TAKEOFF_REPOSITORY_PATH: cache };
let server: RunningServer;
beforeAll(async () => {
  server = await RunningServer.start({ env });
});
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

async function closedPort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

const generate = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  takeoff(['generate', ...args], { env: { ...env, ...more } }).ended;

interface ServerTimes {
  readonly prefill_ms: number;
  readonly total_ms: number;
}

describe('takeoff generate', () => {
  it('prints the answer of a running server and nothing else on standard output', async () => {
    const args = ['USER: Describe the image to me.\nASSISTANT:', '--image', IMAGE, '--url', server.url];
    expect(await generate(args)).toMatchObject({ exitCode: 0, out: `${ANSWER}\n`, err: '' });
  });

  it('uses the chat template with --chat-template and prints counts and times with --json', async () => {
    const { out, exitCode } = await generate([
      'Describe the image to me.',
      '--chat-template',
      '--image',
      IMAGE,
      '--json',
      '--url',
      server.url,
    ]);
    expect(exitCode).toBe(0);
    const answer = JSON.parse(out) as {
      timings: { first_token_ms: number; total_ms: number; tokens_per_second: number; server: ServerTimes };
    };
    expect(answer).toMatchObject({
      text: ANSWER,
      finish_reason: 'stop',
      usage: { image_tokens: 64, generated_tokens: 23 },
    });
    const { first_token_ms, total_ms, tokens_per_second, server: spent } = answer.timings;
    expect(first_token_ms).toBeGreaterThan(0);
    expect(total_ms).toBeGreaterThanOrEqual(first_token_ms);
    expect(tokens_per_second).toBeGreaterThan(1);
    expect(spent.prefill_ms).toBeGreaterThan(0);
    expect(spent.total_ms).toBeLessThanOrEqual(total_ms);
  });

  it('reads the prompt - from standard input', async () => {
    const command = takeoff(['generate', '-', '--max-new-tokens', '3', '--json', '--url', server.url], {
      stdin: 'USER: Hello.\nASSISTANT:',
    });
    const { out } = await command.ended;
    expect(JSON.parse(out)).toMatchObject({ usage: { generated_tokens: 3 }, finish_reason: 'length' });
  });

  it('asks the Takeoff server of this machine, and starts one if something else listens there', async () => {
    const args = ['Describe the image to me.', '--chat-template', '--image', IMAGE];
    const { port } = new URL(server.url);
    const asked = await generate(args, { TAKEOFF_PORT: port });
    expect(asked).toMatchObject({ exitCode: 0, out: `${ANSWER}\n` });
    expect(asked.err).toBe(`Asking the server on http://127.0.0.1:${port}.\n`);
    // Now another program listens on the port.
    const other = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    // Nor is the server of the command a gateway whose readers Redis would have to find.
    const own = await generate(args, {
      TAKEOFF_PORT: String((other.address() as AddressInfo).port),
      TAKEOFF_REDIS_URL: 'redis://127.0.0.1:1',
    });
    other.close();
    expect(own).toMatchObject({ exitCode: 0, out: `${ANSWER}\n` });
    expect(own.err).toContain('Starting a server for');
    expect(own.err).toContain('is live after');
  });

  it('explains every failure in one sentence and with its exit code', async () => {
    const url = ['--url', server.url];
    const closed = await closedPort();
    const wrong: [string[], number, string][] = [
      [['a', ...url, '--image', '/nowhere.png'], 1, 'which cannot be read'],
      [['a', ...url, '--image', fileURLToPath(import.meta.url)], 1, 'image.format_unsupported'],
      [['a', ...url, '--sampling-topp', '2'], 1, 'sampling_topp is 2'],
      [['a', '--url', `http://127.0.0.1:${closed}`], 1, `Nothing listens on http://127.0.0.1:${closed}`],
      [['a', '--url', 'ftp://x'], 2, '--url is "ftp://x"'],
      [['a', '--model', '/nowhere'], 1, 'checkpoint.missing'],
      [['a', ...url, '--max-new-tokens', 'x'], 2, 'not a number'],
      [[], 2, 'prompt'],
    ];
    for (const [args, exitCode, sentence] of wrong) {
      const ended = await generate(args);
      expect(ended, args.join(' ')).toMatchObject({ exitCode, out: '' });
      expect(ended.err).toContain(sentence);
      expect(ended.err).not.toContain('    at ');
    }
  });

  it('cancels the request at Ctrl-C, and the server goes on', async () => {
    const long = ['USER: Tell me.\nASSISTANT:', '--min-new-tokens', '1500', '--max-new-tokens', '1500'];
    const command = takeoff(['generate', ...long, '--url', server.url]);
    await new Promise((resolve) => command.child.stdout?.once('data', resolve));
    command.child.kill('SIGINT');
    expect(await command.ended).toMatchObject({ exitCode: 130 });
    await server.until(async () => {
      const status = (await (await fetch(`${server.managementUrl}/status`)).json()) as {
        status: { live_readers: Record<string, { open_prompts: number }> };
      };
      return Object.values(status.status.live_readers).every(({ open_prompts }) => open_prompts === 0);
    }, 5000);
  });
});

it('takeoff describe gives the demo images their expected answers', async () => {
  const folder = fileURLToPath(new URL('../../models/demo/images/', import.meta.url));
  const { exitCode, out } = await takeoff(['describe', folder, '--url', server.url], { env }).ended;
  expect(exitCode).toBe(0);
  const expected = JSON.parse(readFileSync(path.join(folder, '../expected.json'), 'utf8')) as unknown;
  const answers = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string; text: string });
  expect(answers.length).toBeGreaterThan(3);
  for (const { path: file, text } of answers) {
    expect(JSON.stringify(expected), path.basename(file)).toContain(JSON.stringify(text));
  }
});
