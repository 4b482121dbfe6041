// Notices that a client has gone away before its answer was complete.
import type { ServerResponse } from 'node:http';

export function clientGoneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const check = (): void => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.destroyed) check();
  response.once('close', check);
  return controller.signal;
}
