// One end of the line between the gateway and a reader, whatever carries the messages. Messages arrive in the order they were
// sent, or the connection closes; it never closes twice and delivers nothing afterwards.
import type { FromReader, ToReader } from './messages.js';

export interface Connection<Sent, Received> {
  /** Hands a message to the transport. After the connection has closed, messages are dropped: the listener of `onClose` knows. */
  send(message: Sent): void;
  /** At most one listener; messages that came before it are delivered to it first. */
  onMessage(listener: (message: Received) => void): void;
  /** At most one listener; called once, also when the connection had closed before. */
  onClose(listener: (reason: string) => void): void;
  close(): void;
}

/** The gateway's end. */
export type ReaderConnection = Connection<ToReader, FromReader>;
/** The reader's end. */
export type GatewayConnection = Connection<FromReader, ToReader>;
