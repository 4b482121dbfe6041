// A fetch without time limits of its own. The runtime's gives up after five minutes without a byte and has no setting for that; a
// large image on a processor alone, behind others, takes longer. How long to wait is for the client's own limit to say.
import type { Fetch } from 'takeoff-client';
import { Agent, fetch } from 'undici';

export function patientFetch(): Fetch {
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  // The same class in another copy: that of the package, not the one that is built into Node.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
  return (url, init) => fetch(url, { ...init, dispatcher });
}
