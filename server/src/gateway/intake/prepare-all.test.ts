import { expect, it, vi } from 'vitest';
import { CapacityError, Defect, InputError } from '../../errors.js';
import type { ImagePayload } from '../../link/requests/messages.js';
import { VISION } from '../readers/scripted-reader.fixture.js';
import type { ImageSource } from './image-source.js';
import type { ImageUse, Intake } from './intake.js';
import { prepareAll } from './prepare-all.js';

const USE: ImageUse = { form: VISION, cacheSalt: null };
const never = new AbortController().signal;
const url = (index: number): ImageSource => ({
  kind: 'url',
  url: `http://h/${index}`,
  place: `text[${index}]`,
});
const sources = (count: number): ImageSource[] => Array.from({ length: count }, (_, index) => url(index));
const payload = (sha256: string): ImagePayload => ({
  sha256,
  widthPx: 1,
  heightPx: 1,
  sidePx: 1,
  tiles: new Uint8Array(),
});
const urlOf = (source: ImageSource): string => (source.kind === 'url' ? source.url : '');

it('gives the images in order, however long each takes, four at a time', async () => {
  let running = 0;
  let most = 0;
  const intake: Intake = {
    async prepare(source) {
      running += 1;
      most = Math.max(most, running);
      for (let turn = urlOf(source).charCodeAt(9) % 5; turn >= 0; turn -= 1) await Promise.resolve();
      running -= 1;
      return payload(urlOf(source));
    },
  };
  const got = await prepareAll(intake, sources(10), USE, never);
  expect(got.map(({ sha256 }) => sha256)).toEqual(sources(10).map(urlOf));
  expect(most).toBe(4);
});

it('fails with the first failure, named by its prompt, and ends the others', async () => {
  const ended: string[] = [];
  const intake: Intake = {
    prepare: (source, _, signal) =>
      new Promise((_resolve, reject) => {
        if (urlOf(source) === 'http://h/2') {
          reject(new InputError('image.fetch_failed', 'No host.'));
          return;
        }
        signal.addEventListener('abort', () => {
          ended.push(urlOf(source));
          reject(new InputError('image.undecodable', 'Cancelled.'));
        });
      }),
  };
  const failure = prepareAll(intake, sources(9), USE, never);
  await expect(failure).rejects.toMatchObject({ code: 'image.fetch_failed', message: 'text[2]: No host.' });
  expect(ended.sort()).toEqual(['http://h/0', 'http://h/1', 'http://h/3']);
});

it('keeps what kind of failure it was', async () => {
  const failing = (error: unknown): Intake => ({ prepare: vi.fn().mockRejectedValue(error) });
  await expect(
    prepareAll(failing(new CapacityError('image.fetch_busy', 'Busy.', 3000)), [url(0)], USE, never),
  ).rejects.toMatchObject({ retryAfterMs: 3000, message: 'text[0]: Busy.' });
  const defect = new Defect('ours');
  await expect(prepareAll(failing(defect), [url(0)], USE, never)).rejects.toBe(defect);
  const error = new InputError('image.too_large', 'Large.');
  const upload = { kind: 'upload', bytes: new Uint8Array() } as const;
  await expect(prepareAll(failing(error), [upload], USE, never)).rejects.toBe(error);
});

it('ends with the reason of the signal when the client leaves', async () => {
  const gone = new AbortController();
  const intake: Intake = {
    prepare: (_source, _vision, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new InputError('image.undecodable', 'Cancelled.')));
      }),
  };
  const failure = prepareAll(intake, sources(2), USE, gone.signal);
  gone.abort(new TypeError('gone'));
  await expect(failure).rejects.toThrow('gone');
});
