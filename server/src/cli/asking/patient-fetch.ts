// A fetch without time limits. Node's gives up after five minutes without a byte and has no setting for that, and a large image
// in a queue on a machine without a GPU takes longer. The client library's timeoutMs limits the wait instead.
import type { Fetch } from 'takeoff-client';
import { Agent, fetch } from 'undici';

export function patientFetch(): Fetch {
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  // The Response of the undici package is another class than Node's built-in one, with the same members.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
  return (url, init) => fetch(url, { ...init, dispatcher });
}
