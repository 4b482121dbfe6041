// Which addresses the fetcher may dial: public unicast, and nothing else. Blocks follow IANA's special-purpose address registries for
// IPv4 and IPv6 (RFC 6890 and its updates, as of November 2026). IPv4 addresses inside IPv6 ones are validated as what they reach.
import { embeddedIpv4, type IpAddress, isInBlock, parseAddress, parseBlock } from './ip-address.js';

export type AddressVerdict =
  { readonly kind: 'public' } | { readonly kind: 'refused'; readonly reason: string };

const table = (rows: readonly (readonly [string, string])[]) =>
  rows.map(([cidr, reason]) => ({ block: parseBlock(cidr), reason }));

const IPV4_REFUSED = table([
  ['0.0.0.0/8', 'this host'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'carrier-grade NAT'],
  ['127.0.0.0/8', 'loopback'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'protocol assignments'],
  ['192.0.2.0/24', 'documentation'],
  ['192.88.99.0/24', '6to4 relays'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'benchmarking'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved or broadcast'],
]);

/** Inside the one block of public unicast addresses, which are refused nevertheless. */
const IPV6_PUBLIC = parseBlock('2000::/3');
const IPV6_REFUSED = table([
  ['2001::/32', 'Teredo'],
  ['2001::/23', 'protocol assignments'],
  ['2001:db8::/32', 'documentation'],
  ['2002::/16', '6to4'],
  ['3fff::/20', 'documentation'],
]);
/** Outside of it, named for the operator's log. */
const IPV6_SPECIAL = table([
  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['::/96', 'IPv4-compatible'],
  ['::ffff:0:0:0/96', 'IPv4-translated'],
  ['64:ff9b:1::/48', 'local NAT64'],
  ['fc00::/7', 'unique local'],
  ['fe80::/10', 'link-local'],
  ['fec0::/10', 'site-local'],
  ['ff00::/8', 'multicast'],
]);

const IPV4_MAPPED = parseBlock('::ffff:0:0/96');
/** Networks without IPv4 reach every IPv4 host through it, so it is validated by the host. */
const NAT64 = parseBlock('64:ff9b::/96');
/** ISATAP carries an IPv4 address behind these 32 bits, under any prefix (RFC 5214; the other has the universal bit set). */
const ISATAP_MARKS: readonly bigint[] = [0x0000_5efen, 0x0200_5efen];

/** Validates the text of an address as a resolver or socket gives it; what cannot be parsed is refused. */
export function validateAddress(text: string): AddressVerdict {
  const address = parseAddress(text);
  return address === undefined ? refused('no address') : validate(address);
}

function validate(address: IpAddress): AddressVerdict {
  const { family, bits } = address;
  if (family === 4) return validateByTable(address, IPV4_REFUSED);
  if (isInBlock(address, IPV4_MAPPED)) return validateEmbedded('IPv4-mapped', embeddedIpv4(bits, 0n));
  if (isInBlock(address, NAT64)) return validateEmbedded('NAT64', embeddedIpv4(bits, 0n));
  if (!isInBlock(address, IPV6_PUBLIC)) {
    const verdict = validateByTable(address, IPV6_SPECIAL);
    return verdict.kind === 'refused' ? verdict : refused('not public');
  }
  if (ISATAP_MARKS.includes((bits >> 32n) & 0xffff_ffffn)) return refused('ISATAP');
  return validateByTable(address, IPV6_REFUSED);
}

function validateByTable(address: IpAddress, rows: ReturnType<typeof table>): AddressVerdict {
  const row = rows.find(({ block }) => isInBlock(address, block));
  return row === undefined ? { kind: 'public' } : refused(row.reason);
}

function validateEmbedded(kind: string, address: IpAddress): AddressVerdict {
  const verdict = validate(address);
  return verdict.kind === 'public' ? verdict : refused(`${kind} ${verdict.reason}`);
}

const refused = (reason: string): AddressVerdict => ({ kind: 'refused', reason });
