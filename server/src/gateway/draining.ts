import { CapacityError } from '../errors.js';

/** For requests that come while the server shuts down. */
export const draining = (): CapacityError =>
  new CapacityError('server.draining', 'The server is shutting down and takes no new requests.', 1_000);
