// Who may change the set of readers: whoever has the key; where no key is set, whoever is on this machine. A model name is a path or a name
// of the hub, so that whoever may add readers has the server read files and download.
import type { onRequestHookHandler } from 'fastify';
import { AuthError } from '../../../errors.js';

export interface ChangeGuardOptions {
  readonly apiKey: string | null;
  /** What the port listens on. */
  readonly host: string;
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/u.test(host);

/** With a key, base-app.ts has asked for it already. */
export function changeGuard({ apiKey, host }: ChangeGuardOptions): onRequestHookHandler {
  return (request, _reply, done) => {
    if (apiKey === null && !isLoopback(host)) throw locked(host);
    // A page whose own name was made to point at this machine is of the same origin as this port to its browser; its name gives it away.
    if (apiKey === null && !isLoopback(hostNameOf(request.headers.host ?? ''))) throw strangeName();
    done();
  };
}

/** Of `name:port`, `[::1]:port` or a name alone. */
const hostNameOf = (given: string): string =>
  /^\[([^\]]*)\](?::\d*)?$/u.exec(given)?.[1] ?? given.replace(/:\d*$/u, '');

const locked = (host: string): AuthError =>
  new AuthError(
    'auth.readers_locked',
    `Readers can be added, changed and removed only with an API key, because this server listens on ${host} and not on this machine alone. The operator sets api_key (TAKEOFF_API_KEY), or host to 127.0.0.1.`,
  );

const strangeName = (): AuthError =>
  new AuthError(
    'auth.readers_locked',
    'Without an API key, readers can be added, changed and removed only by the names of this machine: ask localhost or 127.0.0.1. The operator can set api_key.',
  );
