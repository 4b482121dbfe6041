// A reader's end of the channel to the gateway. A step says a token of each sequence, and a write for each of them takes longer than all
// else that a step costs here: what is said without waiting for anything leaves as one list. Whatever else there is to say leaves at
// once, because what follows it may take long or end the process.
import { packFromReader } from './ipc-text.js';
import type { FromReader } from './messages.js';

export interface GatewayConnection {
  readonly send: (message: FromReader) => void;
  /** Resolves when everything sent so far has been handed to the channel. */
  flushed(): Promise<void>;
}

/** The channel of a child process: `process`, or a stand-in. */
export type ChildChannel = Pick<NodeJS.Process, 'connected' | 'send'>;

export function connectToGateway(channel: ChildChannel): GatewayConnection {
  let said: FromReader[] = [];
  const leave = (whenGone?: () => void): void => {
    const messages = said;
    said = [];
    if (!channel.connected || channel.send === undefined) whenGone?.();
    else if (messages.length > 0) channel.send(packFromReader(messages), () => whenGone?.());
  };
  return {
    send: (message) => {
      said.push(message);
      if (!isOfStep(message)) leave();
      else if (said.length === 1) queueMicrotask(leave);
    },
    flushed: () =>
      new Promise((resolve) => {
        said.push({ kind: 'log', level: 'debug', message: 'the reader ends' });
        leave(resolve);
      }),
  };
}

const isOfStep = ({ kind }: FromReader): boolean => kind === 'token' || kind === 'done';
