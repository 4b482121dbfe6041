// `takeoff describe`: a description of every image, in an output with which a later run goes on after any interruption.
import { setTimeout as delay } from 'node:timers/promises';
import type { RequestFields, TakeoffClient } from 'takeoff-client';
import { DEFAULT_CONSUMER_GROUP } from 'takeoff-wire';
import { CommandError, Defect } from '../../errors.js';
import { openAnsweringServer, type AnsweringServer, type ServerChoice } from '../asking/answering-server.js';
import type { Terminal } from '../terminal.js';
import { describeAll } from './describe-all.js';
import { DescribeProgress } from './describe-progress.js';
import type { Description, Output } from './outcome.js';
import { PathSet } from './path-set.js';
import type { ImageList, ListedFile } from './image-list.js';
import { ServerPatience } from './server-patience.js';
import { SkippedFiles } from './skipped-files.js';

export interface DescribeCommand {
  readonly images: ImageList;
  readonly output: Output;
  readonly prompt: string;
  readonly fields: RequestFields;
  readonly server: ServerChoice;
  /** What is uploaded of a file: the file itself, or what it was converted into. */
  readonly imageOf: (path: string) => Promise<string | Uint8Array>;
  /** Requests in flight; null asks the server how many answers it makes at the same time. */
  readonly concurrency: number | null;
  readonly maxWaitMs: number;
  /** Aborted by the first signal: no image is begun any more, requests in flight are finished. */
  readonly stop: AbortSignal;
}

/**
 * Resolves when every image is described.
 * @throws CommandError command.incomplete when some could not be, command.interrupted after a stop
 * @throws ConfigError, ReaderError, TakeoffClientError when no request can succeed
 */
export async function describeImages(command: DescribeCommand, terminal: Terminal): Promise<void> {
  const { output, stop } = command;
  const skipped = new SkippedFiles();
  const left = await countLeft(command.images, output, skipped);
  const before = left.described + left.failed;
  if (before > 0) terminal.err(`${before} of ${counted(before + left.open)} in the output already.\n`);
  if (left.open === 0) {
    if (before === 0) terminal.err('There are no images.\n');
    skipped.tell(terminal);
    throwIfFailed(0, left.failed);
    return;
  }
  await using server = await openAnsweringServer(command.server, terminal, stop);
  const progress = new DescribeProgress(terminal, left.open);
  try {
    await run(command, server, progress);
  } finally {
    progress.summarise(output.failuresPlace);
    skipped.tell(terminal);
  }
  const { described, failed } = progress.counts;
  if (stop.aborted && described + failed < left.open)
    throw new CommandError(
      'command.interrupted',
      `Interrupted with ${counted(left.open - described - failed)} to go; the same command goes on there.`,
    );
  throwIfFailed(failed, left.failed);
}

async function run(
  command: DescribeCommand,
  server: AnsweringServer,
  progress: DescribeProgress,
): Promise<void> {
  const { images, output, maxWaitMs, stop } = command;
  const ending = new AbortController();
  const onStop = (): void => {
    progress.say('Finishing what is in flight; Ctrl-C again ends at once.');
    ending.abort();
  };
  stop.addEventListener('abort', onStop, { once: true });
  let broken: Error | undefined;
  server.failed.catch((error: unknown) => {
    broken =
      error instanceof Error ? error : new Defect('The server failed without an error.', { cause: error });
    ending.abort();
  });
  const patience = new ServerPatience({
    isThere: async () => (await slotsOf(server, stop).catch(() => 0)) > 0,
    maxWaitMs,
    onWait: (why, sinceMs) => progress.waiting(why, sinceMs),
    pause: (durationMs) => delay(durationMs, undefined, { signal: ending.signal }),
    nowMs: () => performance.now(),
  });
  try {
    // A server that cannot be reached at the start is taken for a wrong address; one that still loads its model is waited for.
    if ((await slotsOf(server, stop)) === 0) await patience.wait(nobodyServes(server));
    const slots = await slotsOf(server, stop);
    progress.begin();
    await describeAll({
      images: openOnes(images, output),
      concurrency: command.concurrency ?? slots + AHEAD,
      ask: (path) => ask(server.client, command, path, server.consumerGroup),
      output: output.isPrinted ? makingWay(output, progress) : output,
      patience,
      onSettled: (path, failure) => progress.settled(path, failure),
      stop: ending.signal,
    });
  } finally {
    stop.removeEventListener('abort', onStop);
  }
  if (broken !== undefined) throw broken;
}

/** Clears the progress line before a description is printed, because both stand on the same screen. */
const makingWay = (output: Output, progress: DescribeProgress): Pick<Output, 'describe' | 'fail'> => ({
  describe: (description) => {
    progress.clear();
    return output.describe(description);
  },
  fail: (failure) => output.fail(failure),
});

/** Requests beyond the model's slots, whose images are uploaded and decoded while others are being answered. */
const AHEAD = 2;

const nobodyServes = ({ consumerGroup = DEFAULT_CONSUMER_GROUP }: AnsweringServer): CommandError =>
  new CommandError('command.incomplete', `No reader of the consumer group ${consumerGroup} is live.`);

/** Answers that the live readers of the group make at the same time; 0 while none is live. */
async function slotsOf(server: AnsweringServer, signal: AbortSignal): Promise<number> {
  const { consumerGroup = DEFAULT_CONSUMER_GROUP } = server;
  const { live_readers } = await server.client.status({ signal });
  return Object.values(live_readers)
    .filter(({ consumer_groups }) => consumer_groups.includes(consumerGroup))
    .reduce((sum, { max_batch_size }) => sum + max_batch_size, 0);
}

async function ask(
  client: TakeoffClient,
  { prompt, fields, imageOf }: DescribeCommand,
  path: string,
  consumerGroup: string | undefined,
): Promise<Description> {
  const image = await imageOf(path);
  // Asks for a stream, so that the client's timeoutMs counts between tokens and not for a whole answer.
  const { text, metadata } = await client.generateStream(prompt, {
    ...fields,
    consumerGroup,
    image,
    returnMetadata: true,
  });
  const { finishReason = 'stop', promptTokens = 0, imageTokens = 0, generatedTokens = 0 } = metadata ?? {};
  return { path, text, finishReason, promptTokens, imageTokens, generatedTokens };
}

async function countLeft(
  images: ImageList,
  output: Output,
  skipped: SkippedFiles,
): Promise<{ described: number; failed: number; open: number }> {
  const count = { described: 0, failed: 0, no: 0 };
  for await (const file of onceEach(images)) {
    if (file.kind === 'image') count[await output.has(file.path)] += 1;
    else skipped.add(file.path, file.reason);
  }
  return { described: count.described, failed: count.failed, open: count.no };
}

async function* openOnes(images: ImageList, output: Output): AsyncGenerator<string, void, undefined> {
  for await (const { kind, path } of onceEach(images))
    if (kind === 'image' && (await output.has(path)) === 'no') yield path;
}

async function* onceEach(images: ImageList): AsyncGenerator<ListedFile, void, undefined> {
  const seen = new PathSet();
  for await (const file of images) if (seen.add(file.path)) yield file;
}

function throwIfFailed(now: number, earlier: number): void {
  if (now + earlier === 0) return;
  const ofEarlier =
    earlier === 0 ? '' : ` ${earlier} failed in an earlier run; --retry-failed tries them again.`;
  throw new CommandError(
    'command.incomplete',
    `${counted(now + earlier)} could not be described.${ofEarlier}`,
  );
}

const counted = (images: number): string => `${images} ${images === 1 ? 'image' : 'images'}`;
