// Cases 12 to 17 of the list of other servers' mistakes: images that are not what they seem, through the whole program.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { peakMemoryBytes, RunningServer } from '../../harness/running-server.js';
import { Random } from '../../harness/random.js';
import { eventsOf, jsonRequest } from '../process/requests.js';
import { answerOf, formBody, rawForm, type Answer } from './asking.js';
import { attack } from './attack.js';
import { writeBmp } from './files/bmp.js';
import { bombs, largestBmp } from './files/bombs.js';
import { mutated } from './files/mutations.js';
import { chunk, END, header, SIGNATURE, writePng } from './files/png.js';
import { photograph, validFiles, type NamedFile } from './files/valid.js';
import { toBytes, WRONG_TYPES } from './files/wrong-types.js';

let server: RunningServer;
/** Of one test. */
let strict: RunningServer | undefined;
let valid: NamedFile[];
/** Where a server that wrote uploads down would put them. */
const scratch = mkdtempSync(path.join(os.tmpdir(), 'takeoff-scratch-'));
beforeAll(async () => {
  valid = await validFiles();
  server = await RunningServer.start({
    args: ['--image-decode-timeout-ms', '3000'],
    env: { TAKEOFF_ECHO: 'true', TMPDIR: scratch },
  });
});
afterAll(async () => {
  await server.stop();
  await strict?.stop();
  rmSync(scratch, { recursive: true });
});

/** What the echo reader says to it: its prompt, with the line break that stands behind a leading image. */
const SEEN = '\nhello';
const json = JSON.stringify({ text: 'hello' });
async function askAbout(
  bytes: Uint8Array,
  disposition = '',
  headers: readonly string[] = [],
): Promise<Answer> {
  const body = formBody([
    { name: 'image_data', content: bytes, disposition, headers },
    { name: 'json_data', content: json },
  ]);
  return answerOf(await fetch(`${server.url}/image_generate`, rawForm(body)));
}
/** What the server tells of its decoders. */
const decodes = async (): Promise<string> => (await fetch(`${server.managementUrl}/metrics`)).text();
const pid = (name: 'gateway' | 'reader' | 'decoder') =>
  server
    .processes()
    .filter((process) => process.name === name)
    .map((process) => process.pid);

describe('names and types', () => {
  it.each([
    '; filename="../../../../tmp/escaped"',
    '; filename="/etc/passwd"',
    '; filename="a\0b.png"',
    `; filename="${'x'.repeat(4000)}"`,
    "; filename*=UTF-8''..%2f..%2f%00evil.png",
    '; filename="a.svg"; filename*=utf-8\'\'b.php',
    '; filename=""',
    '; filename="con"; size=-1',
  ])('case 12: the file name %j is never looked at', async (disposition) => {
    expect(await askAbout(photograph(), disposition)).toMatchObject({ status: 200, text: SEEN });
    expect(readdirSync(scratch)).toEqual([]);
  });

  it.each([
    'image/svg+xml',
    'text/html',
    'application/octet-stream',
    'image/*',
    'nonsense',
    'multipart/mixed; boundary=b',
  ])('case 12: the declared type %s is never looked at', async (type) => {
    expect((await askAbout(photograph(), '; filename="x"', [`content-type: ${type}`])).status).toBe(200);
    const lie = await askAbout(
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'),
      '; filename="x.png"',
      ['content-type: image/png'],
    );
    expect(lie).toMatchObject({ status: 400, code: 'image.format_unsupported' });
  });

  it.each(WRONG_TYPES)('case 13: %s is refused by name', async (name, content) => {
    const answer = await askAbout(toBytes(content));
    expect(answer).toMatchObject({ status: 400, code: 'image.format_unsupported' });
    expect(answer.message.toLowerCase()).toContain(name.toLowerCase());
    expect(answer.message).toContain('JPEG, PNG, WebP, GIF or BMP');
  });
});

describe('sizes', () => {
  it.each(bombs())('case 14: a $name is refused on its header', async ({ bytes }) => {
    const decoders = pid('decoder');
    const start = performance.now();
    const answer = await askAbout(bytes);
    expect(answer).toMatchObject({ status: 400, code: 'image.too_large' });
    expect(answer.message).toMatch(/\d+ × \d+.*(?:max_image_pixels allows 50000000|longer than 65535)/u);
    expect(performance.now() - start).toBeLessThan(10_000);
    // Nobody was started for it, and nobody died of it.
    expect(pid('decoder')).toEqual(decoders);
    for (const { pid: process } of server.processes())
      expect(peakMemoryBytes(process)).toBeLessThan(300 * 2 ** 20);
  });

  it('case 14: a text with EXIF data that inflates to a quarter of a gigabyte is left alone', async () => {
    const digits = deflateSync(Buffer.concat([Buffer.from('\nexif\n  9\n'), Buffer.alloc(2 ** 28, '0')]));
    const text = chunk('zTXt', Buffer.concat([Buffer.from('Raw profile type exif\0\0', 'latin1'), digits]));
    const pixels = { width: 5, height: 5, colourType: 'grey', bitDepth: 8, sample: () => 9 } as const;
    expect(text.length).toBeLessThan(2 ** 20);
    expect(await askAbout(writePng({ ...pixels, after: [text, text] }))).toMatchObject({
      status: 200,
      text: SEEN,
    });
    for (const process of server.processes().filter(({ name }) => name === 'decoder'))
      expect(peakMemoryBytes(process.pid)).toBeLessThan(200 * 2 ** 20);
  });

  it('case 14: the limit is a setting', async () => {
    strict = await RunningServer.start({
      args: ['--max-image-pixels', '100'],
      env: { TAKEOFF_ECHO: 'true' },
    });
    const body = formBody([
      { name: 'image_data', content: photograph() },
      { name: 'json_data', content: json },
    ]);
    const answer = await answerOf(await fetch(`${strict.url}/image_generate`, rawForm(body)));
    expect(answer).toMatchObject({ status: 400, code: 'image.too_large' });
    expect(answer.message).toContain('max_image_pixels allows 100');
  });

  it.each([
    [1, 1],
    [1, 5000],
    [5000, 1],
    [52_800, 44],
    [65_535, 3],
  ])('case 16: an image of %i × %i is taken', async (width, height) => {
    const bytes = await sharp({ create: { width, height, channels: 3, background: '#369' } })
      .png()
      .toBuffer();
    expect(await askAbout(bytes)).toMatchObject({ status: 200, text: SEEN });
  });

  it('case 16: palettes, depths, alpha, CMYK, animations, interlacing and orientations are taken', async () => {
    // What they look like is measured in pixels.test.ts.
    for (const { name, bytes } of valid) expect((await askAbout(bytes)).status, name).toBe(200);
  });
});

describe('broken files', () => {
  it.each<[string, Uint8Array]>([
    ['an empty file', new Uint8Array()],
    ['one byte', Uint8Array.of(0xff)],
    ['text', Buffer.from('this is not an image')],
    ['zeros', new Uint8Array(10_000)],
    ['a PNG signature alone', SIGNATURE],
    ['a JPEG marker alone', Buffer.from([0xff, 0xd8, 0xff])],
    [
      'a PNG of no pixels',
      Buffer.concat([SIGNATURE, header(5, 5, 8, 2), chunk('IDAT', deflateSync(Buffer.alloc(0))), END]),
    ],
    ['a PNG of no size', Buffer.concat([SIGNATURE, header(0, 5, 8, 2), END])],
    [
      'a PNG of a wrong depth',
      Buffer.concat([SIGNATURE, header(5, 5, 3, 2), chunk('IDAT', Buffer.alloc(9)), END]),
    ],
    [
      'a PNG with a chunk of 4 GB',
      Buffer.concat([SIGNATURE, header(5, 5, 8, 2), Buffer.from([255, 255, 255, 255]), END]),
    ],
    ['half a photograph', photograph().subarray(0, photograph().length / 2)],
    ['a BMP of no size', bmpHeader(0, 0)],
    ['a BMP of a negative width', bmpHeader(-5, 5)],
    ['a BMP without pixels', bmpHeader(5, 5)],
  ])('case 15: %s is refused, and the next request is served', async (_, bytes) => {
    const answer = await askAbout(bytes);
    expect(answer.status).toBe(400);
    expect(answer.code).toMatch(/^image\.(?:format_unsupported|undecodable)$/u);
    // Broken is no surprise that a decoder would die of.
    expect(answer.message).not.toContain('the decoder ended');
    expect((await askAbout(photograph())).status).toBe(200);
  });

  it('case 15: a decoder that dies costs its one request', async () => {
    const before = pid('gateway');
    for (const decoder of pid('decoder')) process.kill(decoder, 'SIGKILL');
    const answers = [await askAbout(unseenPhotograph()), await askAbout(unseenPhotograph())];
    // The pool may learn of the death only with the next job.
    expect([200, 400]).toContain(answers[0]?.status);
    expect(answers[1]?.status).toBe(200);
    expect(pid('gateway')).toEqual(before);
  });

  it('case 15: a decoder that dies of its image ends the request at once', async () => {
    await askAbout(unseenPhotograph());
    // They stop, so that the image is with one of them when they die.
    for (const decoder of pid('decoder')) process.kill(decoder, 'SIGSTOP');
    const answer = askAbout(unseenPhotograph());
    await expect.poll(decodes).toContain('takeoff_image_decodes{state="running"} 1');
    for (const decoder of pid('decoder')) process.kill(decoder, 'SIGKILL');
    expect(await answer).toMatchObject({ status: 400, code: 'image.undecodable' });
    expect((await answer).message).toContain('the decoder ended');
    expect((await askAbout(unseenPhotograph())).status).toBe(200);
  });

  it('case 15: a decoder that stalls costs its one request, and no more than its deadline', async () => {
    await askAbout(unseenPhotograph());
    for (const decoder of pid('decoder')) process.kill(decoder, 'SIGSTOP');
    const start = performance.now();
    expect(await askAbout(unseenPhotograph())).toMatchObject({ status: 400, code: 'image.decode_timeout' });
    // Less than the deadline of a server without the setting.
    expect(performance.now() - start).toBeLessThan(9000);
    for (const decoder of pid('decoder')) process.kill(decoder, 'SIGCONT');
    expect((await askAbout(unseenPhotograph())).status).toBe(200);
  });

  it('case 15: every format is refused or taken wherever it is cut or flipped, and nothing else', async () => {
    const random = new Random(99);
    const outcome = await attack({
      url: server.url,
      connections: 2,
      goesOn: (sent) => sent < 100,
      next: () => mutated(valid, random),
    });
    expect(outcome.complaints).toEqual([]);
  });

  it('case 17: broken and costly images change nothing for a stream beside them', async () => {
    const quiet = await gapsUntil((tokens) => tokens === 3000);
    const half = (gaps: readonly number[]) => gaps[gaps.length >> 1]!;
    // A busy machine may stand still for a second, but not each time.
    let [median, longest, allowed] = [Infinity, Infinity, 0];
    for (let tries = 0; tries < 4 && (median >= half(quiet) + 5 || longest >= allowed); tries += 1) {
      const { gaps, costlyMs } = await gapsBesideBrokenImages();
      [median, longest, allowed] = [half(gaps), gaps.at(-1)!, Math.max(500, costlyMs / 2)];
    }
    // Half of the gaps are a token's time; a stream that waited for a decoder would show the image's time at the end, a second or
    // more. A machine with more processes than cores makes gaps of a tenth of a second by itself.
    expect(median).toBeLessThan(half(quiet) + 5);
    expect(longest).toBeLessThan(allowed);
  });
});

/** The same image with a comment of its own, so that nothing has been kept of it and a decoder must see it. */
function unseenPhotograph(): Buffer {
  const comment = Buffer.from(randomUUID());
  const segment = Buffer.from([0xff, 0xfe, 0, comment.length + 2, ...comment]);
  const [file, start] = [photograph(), 2];
  return Buffer.concat([file.subarray(0, start), segment, file.subarray(start)]);
}

function bmpHeader(width: number, height: number): Buffer {
  const file = writeBmp({ width: 1, height: 1, bits: 24, pixel: () => [1, 2, 3] });
  file.writeInt32LE(width, 18);
  file.writeInt32LE(height, 22);
  return file;
}

/** Of a stream that runs while broken images are refused, one after the other, and a costly one is decoded. */
async function gapsBesideBrokenImages(): Promise<{ gaps: number[]; costlyMs: number }> {
  const random = new Random(5);
  let isAnswered = false;
  const broken = attack({
    url: server.url,
    connections: 1,
    goesOn: () => !isAnswered,
    pauseMs: 10,
    next: () => ({ name: 'cut', bytes: photograph().subarray(0, 100 + random.below(5000)) }),
  });
  // A second of work, each time: nothing has been kept of an image with other pixels. It need not succeed.
  const image = largestBmp();
  image.write(randomUUID(), image.length - 40);
  const start = performance.now();
  const costly = askAbout(image).then(() => {
    isAnswered = true;
    return performance.now() - start;
  });
  const gaps = await gapsUntil(() => isAnswered);
  const costlyMs = await costly;
  const { sent, countByStatus } = await broken;
  expect(sent).toBeGreaterThan(0);
  expect([...countByStatus.keys()]).toEqual([400]);
  return { gaps, costlyMs };
}

/** Milliseconds between the tokens of a stream, shortest first. The stream is left when `isOver` says so of their number. */
async function gapsUntil(isOver: (tokens: number) => boolean): Promise<number[]> {
  const leave = new AbortController();
  const body = { text: 'x'.repeat(100), min_new_tokens: 200_000, max_new_tokens: 200_000 };
  const response = await fetch(`${server.url}/generate_stream`, jsonRequest(body, leave.signal));
  const gaps: number[] = [];
  let last = performance.now();
  for await (const { data } of eventsOf(response)) {
    const now = performance.now();
    expect(data).toBe('x');
    gaps.push(now - last);
    last = now;
    if (isOver(gaps.length)) break;
  }
  leave.abort();
  return gaps.sort((a, b) => a - b);
}
