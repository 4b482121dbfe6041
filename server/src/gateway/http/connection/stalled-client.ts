// Cuts the connection of a client that stops reading its answer. Without this, one that keeps its connection open holds its
// place in the queue, and the text that waits for it, for ever.
import type { ServerResponse } from 'node:http';

/**
 * Long waits for a token are no stall: only bytes that the client does not take for this long are. The socket's own timer
 * starts again whenever some of them are taken.
 */
export function cutWhenNotRead(response: ServerResponse, stallMs: number): void {
  response.setTimeout(stallMs, () => {
    if (response.writableFinished) return;
    if (response.writableLength > 0) response.destroy();
    else response.socket?.setTimeout(stallMs);
  });
}
