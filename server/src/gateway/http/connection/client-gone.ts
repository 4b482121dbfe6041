// Notices that a client has gone away before its answer was complete.
import type { ServerResponse } from 'node:http';
import { StopFlag } from '../../answer/stop-flag.js';

export function clientGoneFlag(response: ServerResponse): StopFlag {
  const flag = new StopFlag();
  const check = (): void => {
    if (!response.writableFinished) flag.raise();
  };
  if (response.destroyed) check();
  response.once('close', check);
  return flag;
}
