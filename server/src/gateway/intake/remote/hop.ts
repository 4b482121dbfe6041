// One GET request to an address that was validated. Nothing of the surroundings takes part: no cookies, no credentials, no proxy, no
// kept connections; no redirect is followed and nothing is decompressed.
import type { LookupAddress } from 'node:dns';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { Defect } from '../../../errors.js';
import { parseAddress } from './ip-address.js';

const HEADERS = {
  accept: 'image/jpeg, image/png, image/webp, image/gif, image/bmp',
  // A compressed body would need a decompressor with limits of its own; images are compressed already.
  'accept-encoding': 'identity',
  'user-agent': 'takeoff',
};
/** Attack: endless headers. Largest real value: content security policies of about 8 KB. */
const MAX_HEADER_BYTES = 16_384;

/** Resolves with the response when its headers are there. The signal ends the request and the reading of the body. */
export function getOnce(
  url: URL,
  addresses: readonly LookupAddress[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send(url, {
      agent: false,
      headers: HEADERS,
      lookup: pinned(addresses),
      maxHeaderSize: MAX_HEADER_BYTES,
      signal,
    });
    request.once('socket', (socket) => {
      socket.once('connect', () => {
        if (!isOneOf(addresses, socket.remoteAddress)) {
          request.destroy(new Defect('A socket was connected to an address that nobody validated.'));
        }
      });
    });
    request.once('response', resolve);
    // Stays for the life of the request: an error after the response belongs to the body, whose reader sees it.
    request.on('error', reject);
    request.end();
  });
}

/** Answers the socket's lookup with what was validated, whatever name it asks for. */
function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 0);
  };
}

function isOneOf(addresses: readonly LookupAddress[], remote: string | undefined): boolean {
  const dialled = parseAddress(remote ?? '');
  return addresses.some(({ address }) => {
    const validated = parseAddress(address);
    return validated?.family === dialled?.family && validated?.bits === dialled?.bits;
  });
}
