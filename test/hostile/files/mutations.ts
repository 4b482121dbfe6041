// Mutations of valid files: cut, bits flipped, overwritten, parts repeated, two files joined, extreme numbers. A seed repeats them.
import type { Random } from '../../../harness/random.js';
import type { NamedFile } from './valid.js';

/** Numbers of four bytes at which arithmetic overflows or changes its sign. */
const EXTREMES: readonly number[] = [
  0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
];
/** Bytes at the beginning, where sizes, counts and types stand in all five formats; header mutations stay within them. */
const HEADER_BYTES = 64;

type Mutation = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const MUTATIONS: Readonly<Record<string, Mutation>> = {
  cut: (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  flipped: (bytes, random) => {
    for (let flips = 1 + random.below(8); flips > 0; flips -= 1) {
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    }
    return bytes;
  },
  'header-flipped': (bytes, random) => {
    for (let flips = 1 + random.below(4); flips > 0; flips -= 1) {
      bytes[random.below(Math.min(HEADER_BYTES, bytes.length))]! ^= 1 << random.below(8);
    }
    return bytes;
  },
  extreme: (bytes, random) => {
    const at = random.below(
      Math.max(1, Math.min(random.pick([HEADER_BYTES, bytes.length]), bytes.length - 4)),
    );
    const value = random.pick(EXTREMES);
    if (random.below(2) === 0) bytes.writeUInt32BE(value, at);
    else bytes.writeUInt32LE(value, at);
    return bytes;
  },
  overwritten: (bytes, random) => {
    const start = random.below(bytes.length);
    return bytes.fill(random.below(256), start, Math.min(bytes.length, start + random.below(64)));
  },
  'with a part removed': (bytes, random) => {
    const start = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random.below(32))]);
  },
  'with a part repeated': (bytes, random) => {
    const start = random.below(bytes.length);
    const end = start + random.below(256);
    return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start)]);
  },
  'continued as another': (bytes, random, other) => {
    const at = random.below(Math.min(bytes.length, other.length));
    return Buffer.concat([bytes.subarray(0, at), other.subarray(at)]);
  },
  'full of noise': (bytes, random) => {
    for (let at = 16 + random.below(48); at < bytes.length; at += 1) bytes[at] = random.below(256);
    return bytes;
  },
};

/** A mutated copy of one of the files. */
export function mutated(files: readonly NamedFile[], random: Random): NamedFile {
  const { name, bytes } = random.pick(files);
  const [kind, mutate] = random.pick(Object.entries(MUTATIONS));
  return { name: `${name} ${kind}`, bytes: mutate(Buffer.from(bytes), random, random.pick(files).bytes) };
}
