// The gateway's end of a reader in a child process. The channel's end counts, not the process's: what a child sent before it
// died still arrives, its last words (`failed`) included. A child sends lists of what it says (ipc-child.ts).
import type { ChildProcess } from 'node:child_process';
import type { ReaderConnection } from './connection.js';
import { Inbox } from './inbox.js';
import { packToReader, unpack } from './ipc-text.js';
import { parseFromReader, type FromReader } from './messages.js';

export function connectToReader(child: ChildProcess): ReaderConnection {
  const inbox = new Inbox<FromReader>();
  const close = (reason: string): void => {
    // First the reason, because disconnecting reports one of its own.
    inbox.close(reason);
    if (child.connected) child.disconnect();
  };
  child.on('message', (received: unknown) => {
    const unpacked = unpack(received);
    for (const message of Array.isArray(unpacked) ? unpacked : [unpacked]) {
      const parsed = parseFromReader(message);
      if (parsed.kind === 'refused') close(parsed.why);
      else inbox.deliver(parsed.message);
    }
  });
  child.on('disconnect', () => inbox.close('its connection ended'));
  // Without a process there is no channel and no `disconnect`.
  child.on('error', (error) => close(`the process failed: ${error.message}`));
  return {
    send: (message) => {
      // A failed write means that the child is going; `disconnect` follows and ends what waits for it.
      if (child.connected && !inbox.isClosed) child.send(packToReader(message), () => undefined);
    },
    onMessage: (listener) => inbox.onMessage(listener),
    onClose: (listener) => inbox.onClose(listener),
    close: () => close('closed'),
  };
}
