// `takeoff generate`: one answer, shown while it is made; as JSON, with counts and times.
import type { GenerateOptions } from 'takeoff-client';
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
  const { text, metadata } = await stream;
  if (!isJson) {
    terminal.out('\n');
    return;
  }
  const { promptTokens = 0, imageTokens = 0, generatedTokens = 0, finishReason = 'stop' } = metadata ?? {};
  const times = timings({ startMs, firstMs: firstMs ?? endMs, endMs, generatedTokens });
  const usage = { prompt_tokens: promptTokens, image_tokens: imageTokens, generated_tokens: generatedTokens };
  terminal.out(`${JSON.stringify({ text, finish_reason: finishReason, usage, timings: times }, null, 2)}\n`);
}

interface Clock {
  readonly startMs: number;
  readonly firstMs: number;
  readonly endMs: number;
  readonly generatedTokens: number;
}

/** Times as measured by the client, network included. tokens_per_second leaves out the first token, which waits for the prompt. */
function timings({ startMs, firstMs, endMs, generatedTokens }: Clock): Readonly<Record<string, number>> {
  const afterFirstMs = endMs - firstMs;
  return {
    first_token_ms: round(firstMs - startMs),
    total_ms: round(endMs - startMs),
    tokens_per_second: afterFirstMs > 0 ? round(((generatedTokens - 1) * 1000) / afterFirstMs) : 0,
  };
}

const round = (value: number): number => Math.round(Math.max(0, value) * 10) / 10;
