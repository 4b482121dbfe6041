import type { FastifyBaseLogger } from 'fastify';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../scripted-app.fixture.js';
import { parseGenerateRequest } from './parse-generate-request.js';
import { WarningLog } from './warning-log.js';

const warningsOf = (fields: object, limits = LIMITS): readonly (readonly string[])[] =>
  parseGenerateRequest({ text: 'a', ...fields }, null, limits).shape.warnings;

const TAG = /reads it as text.*<image:URL>, without blanks/u;

describe('a warning about image tags', () => {
  it.each([
    '<image>\nWhat is it?',
    'a <IMAGE> b',
    '<image: https://a.example/x.png>',
    '<image:https://a.example/x.png >',
    '< image:https://a.example/x.png>',
    '<image :https://a.example/x.png>',
    '<image:https://a.example/x y.png>',
    '<Image:https://a.example/x.png>',
    '<image:x.png>',
    '<image:\nhttps://a.example/x.png>',
    '<image:https://a.example/x.png',
    '<image> <image>',
  ])('comes once for a prompt with %j, which is no tag', (text) => {
    expect(warningsOf({ text })).toEqual([[expect.stringMatching(TAG)]]);
  });

  it.each([
    '',
    'an image',
    '<images>',
    '<imagery: x>',
    'image>',
    '<|image|>',
    '<image',
    '<image:',
    'a < image b',
  ])('does not come for %j', (text) => expect(warningsOf({ text })).toEqual([[]]));

  it('does not come for a tag that is one', () => {
    const limits = { ...LIMITS, allowRemoteImages: true };
    expect(warningsOf({ text: 'a <image:https://a.example/x.png> b' }, limits)).toEqual([[]]);
  });

  it('comes beside an uploaded image and with a chat template, and for its own prompt of a list', () => {
    const body = { text: ['<image>', 'b'], use_chat_template: true };
    const { shape } = parseGenerateRequest(body, Uint8Array.of(1), LIMITS);
    expect(shape.warnings).toEqual([[expect.stringMatching(TAG)], []]);
  });

  it('is found in one pass over a prompt of openings', () => {
    const limits = { ...LIMITS, maxPromptStringBytes: 2_000_000 };
    const startedMs = performance.now();
    for (const piece of ['<image:', '<image: ', '< ', '<image : http'])
      warningsOf({ text: piece.repeat(1_000_000 / piece.length) }, limits);
    // Quadratic time would be minutes.
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});

describe('a warning about sampling', () => {
  it.each<[object, RegExp]>([
    [{ sampling_temperature: 0.7 }, /^sampling_temperature has no effect without sampling_topk/u],
    [{ sampling_temperature: 1 }, /^sampling_temperature has no effect/u],
    [{ sampling_topp: 0.9 }, /^sampling_topp has no effect/u],
    [
      { sampling_temperature: 0.7, sampling_topp: 0.9, sampling_topk: null },
      /^sampling_temperature and sampling_topp have/u,
    ],
  ])('comes for %j', (fields, message) =>
    expect(warningsOf(fields)).toEqual([[expect.stringMatching(message)]]),
  );

  it.each([
    {},
    { sampling_temperature: 0 },
    { sampling_temperature: null, sampling_topp: 1 },
    { sampling_topp: 0 },
    { sampling_temperature: 0.7, sampling_topk: 1 },
    { sampling_temperature: 0.7, sampling_topk: 0 },
    { sampling_temperature: 0.7, sampling_topp: 0.9, sampling_topk: 40 },
  ])('does not come for %j', (fields) => expect(warningsOf(fields)).toEqual([[]]));

  it('comes for every prompt of a list', () => {
    expect(warningsOf({ text: ['a', 'b'], sampling_temperature: 0.7 })).toHaveLength(2);
  });
});

describe('WarningLog', () => {
  it('warns once of each sentence, and tells the others to who looks closely', () => {
    const lines: { level: number; msg: string }[] = [];
    const stream = {
      write: (line: string) => lines.push(JSON.parse(line) as { level: number; msg: string }),
    };
    const log: FastifyBaseLogger = pino({ level: 'debug' }, stream);
    const warnings = new WarningLog();
    warnings.write([['a', 'b'], ['a']], log);
    warnings.write([['a'], []], log);
    expect(lines.map(({ level, msg }) => `${level} ${msg}`)).toEqual([
      '40 a request gets a warning: a',
      '40 a request gets a warning: b',
      '20 a request gets a warning: a',
    ]);
  });
});
