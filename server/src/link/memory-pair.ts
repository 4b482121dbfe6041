// Both ends of a connection inside one process, for tests and for an engine without native code. Messages are copied, as they
// are between processes, and arrive in a later turn of the microtask queue, never inside `send`.
import type { GatewayConnection, ReaderConnection } from './connection.js';
import { Inbox } from './inbox.js';
import type { FromReader, ToReader } from './messages.js';

export interface MemoryPair {
  readonly gatewayEnd: ReaderConnection;
  readonly readerEnd: GatewayConnection;
}

export function createMemoryPair(): MemoryPair {
  const toGateway = new Inbox<FromReader>();
  const toReader = new Inbox<ToReader>();
  const close = (): void => {
    queueMicrotask(() => {
      toGateway.close('closed');
      toReader.close('closed');
    });
  };
  return {
    gatewayEnd: {
      send: (message) => post(toReader, message),
      onMessage: (listener) => toGateway.onMessage(listener),
      onClose: (listener) => toGateway.onClose(listener),
      close,
    },
    readerEnd: {
      send: (message) => post(toGateway, message),
      onMessage: (listener) => toReader.onMessage(listener),
      onClose: (listener) => toReader.onClose(listener),
      close,
    },
  };
}

function post<Message>(inbox: Inbox<Message>, message: Message): void {
  const copy = structuredClone(message);
  queueMicrotask(() => inbox.deliver(copy));
}
