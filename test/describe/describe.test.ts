// `takeoff describe` against real servers: every image is described once, whatever interrupts a run.
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { peakMemoryBytes, RunningServer } from '../../harness/running-server.js';
import { isLongForm } from '../../harness/long-form.js';
import { Random } from '../../harness/random.js';
import { ImageFolder, takeoff, type Ended } from './command.js';

const ECHO = { TAKEOFF_ECHO: 'true' };
const PROMPT = 'what is this';
/** The answer of the echo reader: the text that follows the image. */
const ANSWER = '\nwhat is this';

type Format = 'jsonl' | 'csv' | 'txt';

const isLong = isLongForm('test:describe');
/** Of a run that is killed again and again. */
const INTERRUPTED_IMAGES = isLong ? 200 : 150;
const KILLS = isLong ? 8 : 4;
/** What the formats do by themselves, unit tests of their outputs show. */
const FORMATS: readonly Format[] = isLong ? ['jsonl', 'csv', 'txt'] : ['jsonl'];
/** Of the run whose memory is measured; together they are larger than what it may need. */
const MANY_IMAGES = isLong ? 1500 : 100;
const MANY_IMAGE_BYTES = 300_000;
const MORE_BYTES = 20 * 2 ** 20;
/** Of runs that something happens to in the middle: in its first dozen. */
const ENOUGH_IMAGES = 150;
/** For runs that are interrupted: few requests at once, so that images are left when a busy machine comes to it. */
const SLOWLY = ['--concurrency', '2'];
/** Between two looks at an output. Each reads all of it, which takes processor time from what is tested. */
const LOOK_MS = 5;

let server: RunningServer;
let images: ImageFolder;
beforeAll(async () => {
  server = await RunningServer.start({ env: ECHO });
});
afterAll(() => server.stop());
beforeEach(() => {
  images = new ImageFolder();
});
afterEach(() => images.remove());

const run = (...args: string[]): Promise<Ended> =>
  takeoff(['describe', '--prompt', PROMPT, '--url', server.url, ...args]).ended;

const ARGUMENTS: Readonly<Record<Format, (folder: ImageFolder) => string[]>> = {
  jsonl: (folder) => ['--out', folder.of('out.jsonl')],
  csv: (folder) => ['--format', 'csv', '--out', folder.of('out.csv')],
  txt: () => ['--format', 'txt'],
};
const READ: Readonly<Record<Format, (folder: ImageFolder) => { path: string; text: string }[]>> = {
  jsonl: (folder) =>
    folder
      .read('out.jsonl')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { path: string; text: string }),
  csv: (folder) => parse<{ path: string; text: string }>(folder.read('out.csv'), { columns: true }),
  txt: (folder) =>
    filesBelow(folder.path)
      .filter((file) => file.endsWith('.txt'))
      .map((file) => ({
        path: file.replace(/\.txt$/u, '.png'),
        text: readFileSync(file, 'utf8').slice(0, -1),
      })),
};
const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));

/** Descriptions in the output, which may end within a record. */
const countOf = (format: Format): number =>
  format === 'txt' ? READ.txt(images).length : textOf(`out.${format}`).split('.png').length - 1;
const textOf = (name: string): string => (existsSync(images.of(name)) ? images.read(name) : '');

function expectEachOnce(format: Format, files: readonly string[]): void {
  const records = READ[format](images);
  expect(records.map((record) => record.path).sort()).toEqual([...files].sort());
  expect(records.map(({ text }) => text)).toEqual(files.map(() => ANSWER));
}

describe('takeoff describe, interrupted', () => {
  it.each<Format>(FORMATS)(
    `has each of ${INTERRUPTED_IMAGES} images in the %s output once, after ${KILLS} kills with SIGKILL`,
    async (format) => {
      const files = await images.fill(INTERRUPTED_IMAGES);
      const random = new Random(2026);
      const begin = (...more: readonly string[]) =>
        takeoff([
          'describe',
          '--prompt',
          PROMPT,
          '--url',
          server.url,
          ...more,
          ...ARGUMENTS[format](images),
          images.path,
        ]);
      for (let kill = 0; kill < KILLS; kill += 1) {
        const before = countOf(format);
        const command = begin(...SLOWLY);
        const ended = new AbortController();
        void command.ended.then(() => ended.abort());
        // Every other kill comes around the first answer, the rest in the midst of answers.
        if (kill % 2 === 0) await delay(random.below(600));
        else while (!ended.signal.aborted && countOf(format) === before) await delay(LOOK_MS);
        await delay(random.below(60));
        command.child.kill('SIGKILL');
        await command.ended;
      }
      const interrupted = countOf(format);
      expect(interrupted).toBeGreaterThan(0);
      expect(interrupted, 'images described before the last run').toBeLessThan(INTERRUPTED_IMAGES);
      const last = await begin().ended;
      expect(last.exitCode, last.err).toBe(0);
      expectEachOnce(format, files);
      // Another run finds everything described and changes nothing.
      const again = await run(...ARGUMENTS[format](images), images.path);
      expect(again.exitCode).toBe(0);
      expect(again.err).toContain(
        `${INTERRUPTED_IMAGES} of ${INTERRUPTED_IMAGES} images in the output already`,
      );
      expectEachOnce(format, files);
    },
  );

  it('finishes the requests in flight and stops its own server at Ctrl-C, and loses no image', async () => {
    const files = await images.fill(ENOUGH_IMAGES);
    const args = ['describe', '--prompt', PROMPT, '--model', 'demo', ...ARGUMENTS.jsonl(images), images.path];
    const command = takeoff([...args, ...SLOWLY], { env: ECHO, detached: true });
    while (!existsSync(images.of('out.jsonl')) || images.read('out.jsonl').length < 500) await delay(LOOK_MS);
    process.kill(-(command.child.pid ?? 0), 'SIGINT');
    const { exitCode, err } = await command.ended;
    const done = READ.jsonl(images).length;
    expect(err).toContain('Finishing what is in flight');
    expect(err).toMatch(/Interrupted with \d+ images to go/u);
    expect(exitCode).toBe(130);
    expect(done).toBeLessThan(ENOUGH_IMAGES);
    expect(() => process.kill(-(command.child.pid ?? 0), 0)).toThrow('ESRCH');
    expect((await takeoff(args, { env: ECHO }).ended).exitCode).toBe(0);
    expectEachOnce('jsonl', files);
  });

  it('describes no image twice when two runs share an output', async () => {
    const files = await images.fill(30);
    const args = [...ARGUMENTS.jsonl(images), images.path];
    const asked = ['describe', '--prompt', PROMPT, '--url', server.url, ...args];
    // The server stands still until both have begun, however long after the other one starts.
    server.child.kill('SIGSTOP');
    const commands = [takeoff(asked), takeoff(asked)];
    try {
      await expect.poll(() => commands.map(({ err }) => err()).join('')).toContain('Waiting for another run');
    } finally {
      server.child.kill('SIGCONT');
    }
    const both = await Promise.all(commands.map(({ ended }) => ended));
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expectEachOnce('jsonl', files);
    expect(existsSync(images.of('out.jsonl.lock'))).toBe(false);
  });

  it('waits for a server that died and goes on when it is back', async () => {
    const files = await images.fill(ENOUGH_IMAGES);
    const mortal = await RunningServer.start({ env: ECHO });
    const command = takeoff([
      'describe',
      '--prompt',
      PROMPT,
      '--url',
      mortal.url,
      ...SLOWLY,
      ...ARGUMENTS.jsonl(images),
      images.path,
    ]);
    while (!existsSync(images.of('out.jsonl')) || images.read('out.jsonl').length < 2000)
      await delay(LOOK_MS);
    mortal.child.kill('SIGKILL');
    while (!command.err().includes('waiting for the server')) await delay(10);
    const before = READ.jsonl(images).length;
    const second = await RunningServer.start({ env: ECHO, port: Number(new URL(mortal.url).port) });
    const { exitCode, err } = await command.ended;
    await second.stop();
    expect(exitCode, err).toBe(0);
    expect(before).toBeLessThan(ENOUGH_IMAGES);
    expectEachOnce('jsonl', files);
  });

  it('waits for a reader that died and goes on when it is replaced', async () => {
    const files = await images.fill(ENOUGH_IMAGES);
    const ended = run(...ARGUMENTS.csv(images), images.path);
    while (!existsSync(images.of('out.csv')) || images.read('out.csv').length < 2000) await delay(LOOK_MS);
    for (const { pid, name } of server.processes()) if (name === 'reader') process.kill(pid, 'SIGKILL');
    const { exitCode, err } = await ended;
    expect(exitCode, err).toBe(0);
    expectEachOnce('csv', files);
  });

  it('waits for a server that still loads its model', async () => {
    const files = await images.fill(5);
    const loading = await RunningServer.start({ env: ECHO, args: ['--consumer-group', 'late'] });
    const args = ['--url', loading.url, ...ARGUMENTS.jsonl(images), images.path];
    const early = await run(...args, '--max-wait', '1');
    expect(early).toMatchObject({ exitCode: 1 });
    expect(early.err).toContain('No reader of the consumer group primary is live.');
    const port = Number(new URL(loading.url).port);
    const command = takeoff(['describe', '--prompt', PROMPT, ...args]);
    while (!command.err().includes('waiting for the server')) await delay(10);
    await loading.stop();
    const ready = await RunningServer.start({ env: ECHO, port });
    expect((await command.ended).exitCode).toBe(0);
    await ready.stop();
    expectEachOnce('jsonl', files);
  });

  it('ends when the server stays away, and a later run goes on', async () => {
    const files = await images.fill(3);
    const mortal = await RunningServer.start({ env: { ...ECHO, TAKEOFF_API_KEY: 'the-right-key' } });
    const args = ['--out', images.of('new/folder/out.jsonl'), images.path];
    const denied = await takeoff(['describe', '--url', mortal.url, ...args]).ended;
    expect(denied).toMatchObject({ exitCode: 1 });
    expect(denied.err).toContain('auth.required');
    await mortal.stop();
    const away = await takeoff(['describe', '--url', mortal.url, '--max-wait', '0', ...args]).ended;
    expect(away).toMatchObject({ exitCode: 1 });
    expect(away.err).toContain('Nothing listens on');
    expect((await run(...args)).exitCode).toBe(0);
    expect(images.read('new/folder/out.jsonl').trimEnd().split('\n')).toHaveLength(files.length);
  });
});

describe('takeoff describe, with failures', () => {
  it.each<Format>(FORMATS)(
    'lists corrupt images (%s), describes the others, and tries again with --retry-failed',
    async (format) => {
      const files = await images.fill(20);
      const bytes = readFileSync(files[0]!);
      const corrupt = [0, 1, 2, 3, 4].map((n) => images.add(`broken-${n}.png`, bytes.subarray(0, 20 + n)));
      const args = [...ARGUMENTS[format](images), images.path];
      const first = await run(...args);
      expect(first.exitCode).toBe(1);
      expect(first.err).toContain('20 described, 5 failed');
      for (const file of corrupt) expect(first.err).toContain(`${file}: `);
      expect(first.err).toContain('5 images could not be described.');
      expectEachOnce(format, files);

      const second = await run(...args);
      expect(second.exitCode).toBe(1);
      expect(second.err).toContain('25 of 25 images in the output already');
      expect(second.err).toContain('5 failed in an earlier run; --retry-failed tries them again');

      for (const file of corrupt.slice(1)) images.add(path.basename(file), bytes);
      const third = await run('--retry-failed', ...args);
      expect(third.exitCode).toBe(1);
      expect(third.err).toContain('4 described, 1 failed');
      images.add('broken-0.png', bytes);
      expect((await run('--retry-failed', ...args)).exitCode).toBe(0);
      expectEachOnce(format, [...files, ...corrupt]);
      expect(filesBelow(images.path).filter((file) => file.includes('failed'))).toEqual([]);
    },
  );

  it('ends with one sentence when the disk is full, and the next run repairs the output', async () => {
    const files = await images.fill(60);
    const args = [
      'describe',
      '--prompt',
      PROMPT,
      '--url',
      server.url,
      ...ARGUMENTS.jsonl(images),
      images.path,
    ];
    const { exitCode, err } = await takeoff(args, { fileLimitKiB: 4 }).ended;
    expect(exitCode).toBe(1);
    expect(err).toMatch(/out\.jsonl cannot be written: EFBIG.*the same command goes on there\./u);
    expect(images.read('out.jsonl')).toHaveLength(4096);
    expect((await takeoff(args).ended).exitCode).toBe(0);
    expectEachOnce('jsonl', files);
  });

  it('refuses an output file of another program and leaves it unchanged', async () => {
    await images.fill(1);
    for (const [format, content] of [
      ['jsonl', '{"name":"x"}\n{"path":"y"}\n'],
      ['csv', 'a,b\n1,2\n'],
      ['csv', 'path,text,finish_reason,prompt_tokens,image_tokens,generated_tokens\n"a"b,c\n'],
    ] as const) {
      const file = images.add(`mine.${format}`, content);
      const { exitCode, err } = await run('--format', format, '--out', file, images.path);
      expect(exitCode).toBe(2);
      expect(err).toContain('Name another file with --out');
      expect(readFileSync(file, 'utf8')).toBe(content);
    }
  });

  it('refuses wrong arguments before it asks a server', async () => {
    const { exitCode, err } = await run(images.of('nowhere'));
    expect(exitCode).toBe(2);
    expect(err).toContain('no such file or folder');
    expect((await run('--url', 'nonsense', images.path)).err).toContain('There are no images');
    const both = await run('--model', 'x', (await images.fill(1))[0]!);
    expect(both.exitCode).toBe(2);
    expect(both.err).toContain('--url and --model exclude each other');
  });
});

describe('takeoff describe', () => {
  it('takes files, folders, patterns and a list, each image once, and writes lines to a pipe', async () => {
    const files = await images.fill(30);
    images.add('.hidden.png', 'x');
    images.add('notes.txt', 'x');
    const gone = images.of('gone.png');
    const { exitCode, out, err } = await takeoff(
      ['describe', '--prompt', PROMPT, '--url', server.url, '-', 'deep', 'deep/**/*.png', 'image-1.png'],
      { cwd: images.path, stdin: `${files.join('\n')}\n${gone}\n` },
    ).ended;
    expect(exitCode).toBe(1);
    expect(err).toContain(gone);
    const described = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(described).toHaveLength(30);
    const counts = {
      prompt_tokens: expect.any(Number) as number,
      image_tokens: expect.any(Number) as number,
    };
    expect(described[0]).toMatchObject({ text: ANSWER, finish_reason: 'stop', ...counts });
  });

  it('says at the end what it skipped, and why', async () => {
    const [file] = await images.fill(1);
    for (const name of ['a.heic', 'b.tiff', 'c.nef', 'notes.txt', '.d.heic']) images.add(name, 'x');
    symlinkSync(images.of('nowhere'), images.of('gone.jpg'));
    symlinkSync(images.path, images.of('deep/circle'));
    const { exitCode, err } = await run(...ARGUMENTS.jsonl(images), images.path);
    expect(exitCode, err).toBe(0);
    expectEachOnce('jsonl', [file!]);
    for (const line of [
      `Skipped 2 TIFF, AVIF or HEIC images; --convert reads them:\n  ${images.of('a.heic')}\n  ${images.of('b.tiff')}\n`,
      `Skipped 1 image of a format that is not read:\n  ${images.of('c.nef')}\n`,
      `Skipped 1 link that leads nowhere:\n  ${images.of('gone.jpg')}\n`,
      `  ${images.of('deep/circle')}\n`,
    ])
      expect(err).toContain(line);
    expect(err).not.toContain('notes.txt');
    expect(err).not.toContain('.d.heic');
    const none = await run(images.of('*.heic'));
    expect(none.exitCode).toBe(0);
    expect(none.err).toContain(
      'There are no images.\nSkipped 1 TIFF, AVIF or HEIC image; --convert reads it:',
    );
  });

  it('ends quietly when the next program of a pipe closes it', async () => {
    await images.fill(50);
    const command = takeoff(['describe', '--prompt', PROMPT, '--url', server.url, images.path]);
    command.child.stdout?.once('data', () => command.child.stdout?.destroy());
    const { exitCode, err } = await command.ended;
    expect(exitCode).toBe(141);
    expect(err).not.toContain('EPIPE');
  });

  it('writes CSV that other programs parse, line breaks and quotation marks included', async () => {
    images.add('a, "b".png', readFileSync((await images.fill(1))[0]!));
    const text = 'say "hello",\nthen\r\nstop';
    const { out } = await run('--prompt', text, '--format', 'csv', images.path);
    const records = parse<Record<string, string>>(out, { columns: true });
    expect(records).toHaveLength(2);
    for (const record of records) expect(record['text']).toBe(`\n${text.replaceAll('\r', '')}`);
    expect(records.map(({ path: file }) => path.basename(file ?? '')).sort()[0]).toBe('a, "b".png');
  });

  it('writes a text file for each of two images that differ only in their endings, with --out too', async () => {
    const bytes = readFileSync((await images.fill(1))[0]!);
    images.add('in/a.png', bytes);
    images.add('in/a.JPG', bytes);
    images.add('in/b.png', bytes);
    const { exitCode } = await takeoff(
      ['describe', '--prompt', PROMPT, '--url', server.url, '--format', 'txt', '--out', 'texts', 'in'],
      { cwd: images.path },
    ).ended;
    expect(exitCode).toBe(0);
    expect(readdirSync(images.of('texts/in')).sort()).toEqual(['a.JPG.txt', 'a.png.txt', 'b.txt']);
    expect(readdirSync(images.of('in'))).toHaveLength(3);
  });
});

it(`takeoff describe needs no more memory for ${MANY_IMAGES} images than for a few`, async () => {
  await images.fill(MANY_IMAGES, MANY_IMAGE_BYTES);
  // A small heap makes Node collect garbage early, so that the peak shows what is in use.
  const env = { NODE_OPTIONS: '--max-old-space-size=32 --max-semi-space-size=2' };
  const peak = async (...args: string[]): Promise<number> => {
    const command = takeoff(['describe', '--prompt', PROMPT, '--url', server.url, ...args], { env });
    let bytes = 0;
    const watch = setInterval(() => {
      if (command.child.exitCode === null && command.child.signalCode === null)
        bytes = Math.max(bytes, peakMemoryBytes(command.child.pid ?? 0));
    }, 20);
    expect((await command.ended).exitCode).toBe(0);
    clearInterval(watch);
    return bytes;
  };
  const few = await peak(images.of('deep/1'));
  // On a busy machine garbage is collected late now and then; what is kept is there each time.
  let moreBytes = Infinity;
  for (let tries = 0; tries < 3 && moreBytes >= MORE_BYTES; tries += 1)
    moreBytes = (await peak(images.path)) - few;
  expect(moreBytes).toBeLessThan(MORE_BYTES);
});
