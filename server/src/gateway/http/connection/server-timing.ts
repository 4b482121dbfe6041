// The Server-Timing header: what the time of a request went into, where developer tools and proxies look for it. Durations are
// milliseconds. Of a stream it has what is over when the headers are sent; its metadata have the rest.
import type { PromptTimings, RequestRecord } from '../../answer/request-record.js';
import type { PromptAnswer } from './answer-format.js';

/** Of the prompt that ended last, since the answer waited for it; counts are those of all prompts. */
export function serverTimingOf(answers: readonly PromptAnswer[]): string {
  const total = (count: (answer: PromptAnswer) => number): number =>
    answers.reduce((sum, answer) => sum + count(answer), 0);
  const [first, ...rest] = answers.map(({ timings }) => timings);
  const last = rest.reduce((latest, one) => (one.totalMs > (latest?.totalMs ?? 0) ? one : latest), first);
  return [
    ...(last === undefined ? [] : durationsOf(last)),
    counted(
      'cached_tokens',
      total(({ usage }) => usage.cachedTokens),
    ),
    counted(
      'image_tokens',
      total(({ usage }) => usage.imageTokens),
    ),
  ].join(', ');
}

export const serverTimingSoFar = ({ receiveMs, decodeImageMs, elapsedMs }: RequestRecord): string =>
  [lasted('receive', receiveMs), lasted('decode_image', decodeImageMs), lasted('headers', elapsedMs)].join(
    ', ',
  );

const durationsOf = (timings: PromptTimings): string[] => [
  lasted('receive', timings.receiveMs),
  lasted('decode_image', timings.decodeImageMs),
  lasted('queue', timings.queueMs),
  lasted('vision', timings.visionMs),
  lasted('prefill', timings.prefillMs),
  lasted('decode', timings.decodeMs),
  ...(timings.firstTokenMs === null ? [] : [lasted('first_token', timings.firstTokenMs)]),
  lasted('total', timings.totalMs),
];

const lasted = (stage: string, ms: number): string => `${stage};dur=${ms.toFixed(2)}`;

const counted = (what: string, count: number): string => `${what};desc="${count}"`;
