// From the host of a URL to the addresses that may be dialled. All answers of a lookup are validated, and those very addresses go to the
// socket: a second lookup, which could answer differently, never happens.
import { lookup, type LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { validateAddress } from './address-policy.js';

/** Addresses of a name, as the system resolves it. */
export type Resolver = (host: string) => Promise<readonly string[]>;

export const systemResolver: Resolver = (host) =>
  new Promise((resolve, reject) => {
    lookup(host, { all: true, order: 'verbatim' }, (error, addresses) => {
      if (error === null) resolve(addresses.map(({ address }) => address));
      else reject(error);
    });
  });

export type Resolution =
  | { readonly kind: 'dialable'; readonly addresses: readonly LookupAddress[] }
  | { readonly kind: 'refused'; readonly reason: string };

/** Attack: a name with thousands of answers. Largest real value: 16 to 20. */
const MAX_ADDRESSES = 64;

/** `mayBePrivate`: the operator named this host. */
export async function resolveHost(url: URL, resolver: Resolver, mayBePrivate: boolean): Promise<Resolution> {
  const host = url.hostname.replace(/^\[(.*)\]$/u, '$1');
  if (!mayBePrivate && /(?:^|\.)localhost$/u.test(host)) return { kind: 'refused', reason: 'localhost' };
  const texts = isIP(host) === 0 ? await resolver(host) : [host];
  if (texts.length === 0) return { kind: 'refused', reason: 'the name has no address' };
  if (texts.length > MAX_ADDRESSES) return { kind: 'refused', reason: 'the name has too many addresses' };
  for (const text of texts) {
    const verdict = validateAddress(text);
    if (verdict.kind === 'refused' && !mayBePrivate) return verdict;
  }
  return { kind: 'dialable', addresses: texts.map((address) => ({ address, family: isIP(address) })) };
}
