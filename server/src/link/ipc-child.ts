// A reader's end of the channel to the gateway. A step says a token of each sequence, and a write for each of them takes longer than all
// else that a step costs here: what is said without waiting for anything leaves as one list. So does what several steps say that
// follow each other faster than anybody reads; an answer that ends leaves at once. Whatever else there is to say does, too, because
// what follows it may take long or end the process.
import { packFromReader } from './ipc-text.js';
import type { FromReader } from './messages.js';

export interface GatewayConnection {
  readonly send: (message: FromReader) => void;
  /** Resolves when everything sent so far has been handed to the channel. */
  flushed(): Promise<void>;
}

/** The channel of a child process: `process`, or a stand-in. */
export type ChildChannel = Pick<NodeJS.Process, 'connected' | 'send'>;

/** Between two writes that say nothing but tokens. */
const MIN_PAUSE_MS = 0.5;
/** The shortest time of a timer: how long a token waits at most. */
const MAX_HELD_MS = 1;

export function connectToGateway(channel: ChildChannel): GatewayConnection {
  let said: FromReader[] = [];
  let lastWriteMs = -Infinity;
  const leave = (whenGone?: () => void): void => {
    const messages = said;
    said = [];
    if (!channel.connected || channel.send === undefined) whenGone?.();
    else if (messages.length > 0) {
      lastWriteMs = performance.now();
      channel.send(packFromReader(messages), () => whenGone?.());
    }
  };
  const leaveSoon = once((run) => setTimeout(run, MAX_HELD_MS), leave);
  const leaveAfterStep = once(queueMicrotask, () => {
    const isDue =
      performance.now() - lastWriteMs >= MIN_PAUSE_MS || said.some(({ kind }) => kind !== 'token');
    if (isDue) leave();
    else leaveSoon();
  });
  return {
    send: (message) => {
      said.push(message);
      if (isOfStep(message)) leaveAfterStep();
      else leave();
    },
    flushed: () =>
      new Promise((resolve) => {
        said.push({ kind: 'log', level: 'debug', message: 'the reader ends' });
        leave(resolve);
      }),
  };
}

/** Schedules `work`, once for all calls until it is done. */
function once(schedule: (run: () => void) => unknown, work: () => void): () => void {
  let isScheduled = false;
  return () => {
    if (isScheduled) return;
    isScheduled = true;
    schedule(() => {
      isScheduled = false;
      work();
    });
  };
}

const isOfStep = ({ kind }: FromReader): boolean => kind === 'token' || kind === 'done';
