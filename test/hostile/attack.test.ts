// A server with a real model against mutated files of every format, texts that spell special tokens, and invented identities.
// `npm test` sends a few hundred files, `npm run test:hostile` five thousand and measures the delay of honest clients.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peakMemoryBytes, RunningServer, type ServerProcess } from '../../harness/running-server.js';
import { Random } from '../../harness/random.js';
import { imageForm, jsonRequest } from '../process/requests.js';
import { ALLOWED_STATUSES, attack, send } from './attack.js';
import { isLongForm } from '../../harness/long-form.js';
import { mutated } from './files/mutations.js';
import { photograph, validFiles, type NamedFile } from './files/valid.js';

const FILES = isLongForm('test:hostile') ? 5000 : 250;
const CONNECTIONS = 4;
/** Peak resident memory. An idle gateway has 90 MiB, an idle decoder 80; an image of the largest allowed size takes 300 more. */
const MAX_RESIDENT_MIB: Readonly<Record<ServerProcess['name'], number>> = {
  gateway: 256,
  reader: 384,
  decoder: 512,
};

const cache = mkdtempSync(path.join(os.tmpdir(), 'takeoff-hostile-'));
let server: RunningServer;
let valid: NamedFile[];
const refused: NamedFile[] = [];
beforeAll(async () => {
  valid = await validFiles();
  server = await RunningServer.start({ args: ['--repository-path', cache, '--log-level', 'warn'] });
}, 120_000);
afterAll(async () => {
  await server.stop();
  rmSync(cache, { recursive: true });
});

const pidsOf = (...names: ServerProcess['name'][]): number[] =>
  server
    .processes()
    .filter(({ name }) => names.includes(name))
    .map(({ pid }) => pid);

describe('a server with the demo model', () => {
  it('answers the valid files that mutations start from', async () => {
    for (const file of valid) expect((await send(server.url, file)).status, file.name).toBe(200);
  });

  it(`answers ${FILES} mutated images with allowed statuses, in bounded memory and without a restart`, async () => {
    const random = new Random(20_261_123);
    const before = pidsOf('gateway', 'reader');
    const peaks = new Map<number, { name: ServerProcess['name']; mebibytes: number }>();
    const watch = (): void => {
      for (const { pid, name } of server.processes()) {
        peaks.set(pid, { name, mebibytes: Math.round(peakMemoryBytes(pid) / 2 ** 20) });
      }
    };
    const { sent, countByStatus, complaints } = await attack({
      url: server.url,
      connections: CONNECTIONS,
      goesOn: (count) => count < FILES,
      next: () => {
        watch();
        const file = mutated(valid, random);
        if (refused.length < 200) refused.push(file);
        return file;
      },
    });
    watch();
    const memory = [...peaks.values()].map(({ name, mebibytes }) => `${name} ${mebibytes}`).join(', ');
    process.stdout.write(`${sent} files: ${JSON.stringify([...countByStatus])}; peak MiB: ${memory}\n`);
    expect(complaints).toEqual([]);
    for (const status of countByStatus.keys()) expect(ALLOWED_STATUSES).toContain(status);
    // Both outcomes occur: a server that refused everything, or took everything, would pass by accident.
    expect(countByStatus.get(200)).toBeGreaterThan(FILES / 20);
    expect(countByStatus.get(400)).toBeGreaterThan(FILES / 4);
    expect(pidsOf('gateway', 'reader')).toEqual(before);
    for (const { name, mebibytes } of peaks.values())
      expect(mebibytes, name).toBeLessThan(MAX_RESIDENT_MIB[name]);
    expect((await send(server.url, { name: 'photograph', bytes: photograph() })).status).toBe(200);
  }, 900_000);
});

it('case 20: text that spells a special token becomes several plain tokens', async () => {
  const tokensOf = async (text: string): Promise<number> => {
    const request = { text, max_new_tokens: 1, return_metadata: true };
    const response = await fetch(`${server.url}/generate`, jsonRequest(request));
    const { metadata } = (await response.json()) as {
      metadata: { prompt_tokens: number; image_tokens: number };
    };
    expect(metadata.image_tokens).toBe(0);
    return metadata.prompt_tokens;
  };
  const without = await tokensOf('hello');
  // If text were searched for special tokens, each of these would be one token, and `<image>` an image's rows.
  for (const special of ['<s>', '</s>', '<unk>', '<image>', '[INST]', '<|im_start|>'])
    expect((await tokensOf(`hello${special}`)) - without, special).toBeGreaterThan(1);
});

it('case 22: two images of one size get their own answers, whatever identity a client claims', async () => {
  const folder = new URL('../../models/demo/images/', import.meta.url);
  const images = await Promise.all(
    ['one-shape.png', 'three-shapes.png', 'many.png', 'one-shape.png'].map((name) =>
      sharp(fileURLToPath(new URL(name, folder)))
        .resize(256, 256, { fit: 'fill' })
        .png()
        .toBuffer(),
    ),
  );
  const claims = { sha256: 'ab'.repeat(32), cache_key: 'mine', image_id: '1', uuid: '1' };
  const texts: unknown[] = [];
  for (const image of images) {
    const request = { text: 'USER: Describe the image to me.\nASSISTANT:', ...claims };
    const body = imageForm(new Uint8Array(image), request);
    const response = await fetch(`${server.url}/image_generate`, { method: 'POST', body });
    texts.push(((await response.json()) as { text: string }).text);
  }
  expect(new Set(texts).size).toBe(3);
  expect(texts[3]).toBe(texts[0]);
});

/** Time of an honest image request. `serial` makes its bytes new, so that no cache answers. */
async function honestRequestMs(serial: number): Promise<number> {
  const bytes = Buffer.concat([photograph(), Buffer.from(String(serial))]);
  const request = { text: 'USER: Describe the image to me.\nASSISTANT:', max_new_tokens: 64 };
  const start = performance.now();
  const response = await fetch(`${server.url}/image_generate`, {
    method: 'POST',
    body: imageForm(new Uint8Array(bytes), request),
  });
  await response.text();
  expect(response.status).toBe(200);
  return performance.now() - start;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/**
 * Pause that makes the attack of this measurement 20 files a second. All of them are refused: a mutated file that still is an
 * image takes the share of an honest request, so it says nothing about protection.
 */
const PAUSE_MS = 45;
it.runIf(isLongForm('test:hostile'))(
  'a server under attack keeps at least 0.8 of the throughput of honest requests',
  async () => {
    const random = new Random(7);
    const hostile: NamedFile[] = [];
    for (const file of refused) if ((await send(server.url, file)).status !== 200) hostile.push(file);
    const [quiet, attacked]: [number[], number[]] = [[], []];
    let serial = 0;
    let files = 0;
    // Quiet and attacked rounds take turns, so that other load on this machine meets both alike.
    for (let round = 0; round < 10; round += 1) {
      for (let n = 0; n < 20; n += 1) quiet.push(await honestRequestMs(serial++));
      let isOver = false;
      const attacking = attack({
        url: server.url,
        connections: 1,
        pauseMs: PAUSE_MS,
        next: () => random.pick(hostile),
        goesOn: () => !isOver,
      });
      for (let n = 0; n < 20; n += 1) attacked.push(await honestRequestMs(serial++));
      isOver = true;
      files += (await attacking).sent;
    }
    const ratio = median(quiet) / median(attacked);
    const seconds = attacked.reduce((sum, ms) => sum + ms, 0) / 1000;
    process.stdout.write(
      `honest requests: ${median(quiet).toFixed(1)} ms quiet, ${median(attacked).toFixed(1)} ms under ${(files / seconds).toFixed(0)} hostile files/s; throughput ratio ${ratio.toFixed(2)}\n`,
    );
    expect(ratio).toBeGreaterThanOrEqual(0.8);
  },
  300_000,
);
