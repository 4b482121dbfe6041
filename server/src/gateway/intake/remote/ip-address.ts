// IP addresses as numbers. Addresses are validated by their bits, never by their text: one address has many spellings. Parsing takes
// the canonical forms that resolvers, sockets and the URL parser give, and nothing else.
import { isIPv4, isIPv6 } from 'node:net';
import { Defect } from '../../../errors.js';

export interface IpAddress {
  readonly family: 4 | 6;
  /** 32 or 128 bits. */
  readonly bits: bigint;
}

/** Undefined for anything that is no plain address; zones (`fe80::1%eth0`) are not plain. */
export function parseAddress(text: string): IpAddress | undefined {
  if (isIPv4(text)) return { family: 4, bits: bitsOfIpv4(text) };
  if (isIPv6(text) && !text.includes('%')) return { family: 6, bits: bitsOfIpv6(text) };
  return undefined;
}

/** The 32 bits of a 128-bit address that start `fromBit` bits above the lowest. */
export const embeddedIpv4 = (bits: bigint, fromBit: bigint): IpAddress => ({
  family: 4,
  bits: (bits >> fromBit) & 0xffff_ffffn,
});

function bitsOfIpv4(text: string): bigint {
  return text.split('.').reduce((bits, byte) => bits * 256n + BigInt(byte), 0n);
}

function bitsOfIpv6(text: string): bigint {
  const [head = '', tail] = text.split('::');
  const left = groupsOf(head);
  const right = tail === undefined ? [] : groupsOf(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0n);
  return [...left, ...zeros, ...right].reduce((bits, group) => bits * 65_536n + group, 0n);
}

/** 16-bit groups; a dotted end counts as two. */
function groupsOf(text: string): bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)];
    const bits = bitsOfIpv4(group);
    return [bits >> 16n, bits & 0xffffn];
  });
}

/** A range of addresses in CIDR notation. */
export interface AddressBlock {
  readonly family: 4 | 6;
  readonly prefix: bigint;
  /** Bits below the prefix. */
  readonly hostBits: bigint;
}

/** For tables; throws a Defect for text that is no block. */
export function parseBlock(cidr: string): AddressBlock {
  const [base = '', length = ''] = cidr.split('/');
  const address = parseAddress(base);
  if (address === undefined) throw new Defect(`${cidr} is no address block.`);
  const hostBits = BigInt(address.family === 4 ? 32 : 128) - BigInt(length);
  return { family: address.family, prefix: address.bits >> hostBits, hostBits };
}

export const isInBlock = ({ family, bits }: IpAddress, block: AddressBlock): boolean =>
  family === block.family && bits >> block.hostBits === block.prefix;
