// `takeoff generate`: one answer, shown while it is made; as JSON, with counts and times.
import type { GenerateOptions, PromptTimings, SingleAnswer } from 'takeoff-client';
import { openAnsweringServer, type ServerChoice } from '../asking/answering-server.js';
import type { Terminal } from '../terminal.js';

export interface GenerateCommand {
  readonly prompt: string;
  /** Path of an image. */
  readonly image: string | undefined;
  readonly fields: GenerateOptions;
  readonly server: ServerChoice;
  readonly isJson: boolean;
  readonly signal: AbortSignal;
}

/**
 * @throws TakeoffClientError, ConfigError, ReaderError
 * @throws the reason of the signal
 */
export async function generate(command: GenerateCommand, terminal: Terminal): Promise<void> {
  const { prompt, image, fields, isJson, signal } = command;
  await using server = await openAnsweringServer(command.server, terminal, signal);
  const startMs = performance.now();
  let firstMs: number | undefined;
  const { consumerGroup } = server;
  const options = { ...fields, image, consumerGroup, signal, returnMetadata: true };
  const stream = server.client.generateStream(prompt, options);
  for await (const { text } of stream) {
    firstMs ??= performance.now();
    if (!isJson) terminal.out(text);
  }
  const endMs = performance.now();
  const answer = await stream;
  const shown = isJson ? jsonOf(answer, { startMs, firstMs: firstMs ?? endMs, endMs }) : '';
  terminal.out(`${shown}\n`);
}

function jsonOf({ text, metadata }: SingleAnswer, clock: Clock): string {
  const { promptTokens = 0, imageTokens = 0, cachedTokens = 0, generatedTokens = 0 } = metadata ?? {};
  const finishReason = metadata?.finishReason ?? 'stop';
  const seen = seenTimes(clock, generatedTokens);
  const told = metadata?.timings;
  const timings = told === undefined ? seen : { ...seen, server: serverTimes(told) };
  const usage = {
    prompt_tokens: promptTokens,
    image_tokens: imageTokens,
    cached_tokens: cachedTokens,
    generated_tokens: generatedTokens,
  };
  return JSON.stringify({ text, finish_reason: finishReason, usage, timings }, null, 2);
}

interface Clock {
  readonly startMs: number;
  readonly firstMs: number;
  readonly endMs: number;
}

/** Times as measured by the client, network included. tokens_per_second leaves out the first token, which waits for the prompt. */
function seenTimes(
  { startMs, firstMs, endMs }: Clock,
  generatedTokens: number,
): Readonly<Record<string, number>> {
  const afterFirstMs = endMs - firstMs;
  return {
    first_token_ms: round(firstMs - startMs),
    total_ms: round(endMs - startMs),
    tokens_per_second: afterFirstMs > 0 ? round(((generatedTokens - 1) * 1000) / afterFirstMs) : 0,
  };
}

/** As the server measured them: what it spent the time on. */
const serverTimes = (timings: PromptTimings): Readonly<Record<string, number | null>> => ({
  receive_ms: round(timings.receiveMs),
  decode_image_ms: round(timings.decodeImageMs),
  queue_ms: round(timings.queueMs),
  vision_ms: round(timings.visionMs),
  prefill_ms: round(timings.prefillMs),
  decode_ms: round(timings.decodeMs),
  first_token_ms: timings.firstTokenMs === null ? null : round(timings.firstTokenMs),
  total_ms: round(timings.totalMs),
});

const round = (value: number): number => Math.round(Math.max(0, value) * 10) / 10;
