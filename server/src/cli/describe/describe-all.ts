// Asks for images, several at a time, and settles each: described, listed as failed, or left for the next run.
import { TakeoffClientError } from 'takeoff-client';
import type { Description, Output } from './outcome.js';
import type { ServerPatience } from './server-patience.js';
import { verdictOn } from './verdict.js';

export interface DescribeAllOptions {
  /** The images that are not in the output yet, each once. */
  readonly images: AsyncIterable<string>;
  readonly concurrency: number;
  readonly ask: (path: string) => Promise<Description>;
  readonly output: Pick<Output, 'describe' | 'fail'>;
  readonly patience: Pick<ServerPatience, 'wait' | 'noteAnswer'>;
  readonly onSettled: (path: string, failure: TakeoffClientError | null) => void;
  /** When it aborts, no further image is begun; requests in flight run to their end. */
  readonly stop: AbortSignal;
}

/** An image whose requests broke the server so often is listed as failed. */
const MAX_ATTEMPTS = 5;

/**
 * Resolves when all images are settled, or, after a stop, those in flight.
 * @throws the failure that every further request would meet, after the requests in flight have ended
 */
export async function describeAll(options: DescribeAllOptions): Promise<void> {
  const images = options.images[Symbol.asyncIterator]();
  let hasFailed = false;
  const work = async (): Promise<void> => {
    try {
      while (!options.stop.aborted && !hasFailed) {
        const next = await images.next();
        if (next.done === true) return;
        await settle(next.value, options);
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: options.concurrency }, work));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function settle(path: string, options: DescribeAllOptions): Promise<void> {
  const { ask, output, patience, onSettled, stop } = options;
  for (let broke = 0; ;) {
    const answer = await answerOrFailure(ask(path));
    if (!(answer instanceof TakeoffClientError)) {
      patience.noteAnswer();
      await output.describe(answer);
      onSettled(path, null);
      return;
    }
    const verdict = verdictOn(answer);
    if (verdict === 'run') throw answer;
    if (verdict === 'again') broke += 1;
    if (verdict === 'image' || broke === MAX_ATTEMPTS) {
      if (verdict === 'image') patience.noteAnswer();
      await output.fail({ path, code: answer.code, message: answer.message });
      onSettled(path, answer);
      return;
    }
    const isStopped = await patience.wait(answer, answer.retryAfterMs).then(
      () => false,
      (error: unknown) => {
        // An image whose request waits when the run is stopped is left for the next run.
        if (stop.aborted) return true;
        throw error;
      },
    );
    if (isStopped) return;
  }
}

const answerOrFailure = (asked: Promise<Description>): Promise<Description | TakeoffClientError> =>
  asked.catch((error: unknown) => {
    if (error instanceof TakeoffClientError) return error;
    throw error;
  });
