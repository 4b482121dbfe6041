// A reading position in bytes that begin a larger whole (the head of a file): little-endian numbers, strings and ranges, each
// checked against the whole before it is used. Running past the bytes at hand, but not past the whole, is EndOfBytes: the
// caller may come back with more (growing-prefix.ts). Running past the whole is a malformed file.
import { CheckpointError } from '../../errors.js';
import { malformed } from '../failures.js';

/** The bytes at hand end before the value does. */
export class EndOfBytes extends CheckpointError {
  constructor(file: string) {
    super('checkpoint.malformed', `${file}: The file ends in the middle of a value.`);
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteCursor {
  readonly #view: DataView;
  #position = 0;

  constructor(
    readonly bytes: Uint8Array,
    /** Size of the whole that the bytes begin. */
    readonly wholeBytes: number,
    readonly file: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offsetBytes(): number {
    return this.#position;
  }

  /** Bytes between the position and the end of the whole: no count of things to come can be larger. */
  get remainingBytes(): number {
    return this.wholeBytes - this.#position;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }
  i8(): number {
    return this.#view.getInt8(this.#take(1));
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  i16(): number {
    return this.#view.getInt16(this.#take(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }
  f32(): number {
    return this.#view.getFloat32(this.#take(4), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }
  f64BigEndian(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** An unsigned 64-bit number that names a size, count or offset: refused above 2^53, which no file reaches. */
  u64(what: string): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw malformed(this.file, `${what} is ${value.toString()}, which no file can hold.`);
    return Number(value);
  }

  /** A 64-bit number that is data, not a size. */
  i64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }
  u64Data(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** The next bytes, not copied. */
  range(byteCount: number): Uint8Array {
    const start = this.#take(byteCount);
    return this.bytes.subarray(start, start + byteCount);
  }

  /** UTF-8 of a known length. @throws CheckpointError checkpoint.malformed when it is not UTF-8 */
  text(byteCount: number, what: string): string {
    return decodeUtf8(this.range(byteCount), this.file, what);
  }

  /** Text up to and without the next newline; the newline is consumed. */
  line(maxBytes: number, what: string): string {
    const end = this.bytes.indexOf(0x0a, this.#position);
    if (end === -1 && this.bytes.length - this.#position <= maxBytes) throw new EndOfBytes(this.file);
    if (end === -1 || end - this.#position > maxBytes)
      throw malformed(this.file, `${what} is longer than ${maxBytes} bytes.`);
    const line = this.text(end - this.#position, what);
    this.#position += 1;
    return line;
  }

  #take(byteCount: number): number {
    if (byteCount < 0 || byteCount > this.remainingBytes) {
      throw malformed(
        this.file,
        `A value of ${byteCount} bytes at offset ${this.#position} leaves the ${this.wholeBytes} bytes there are.`,
      );
    }
    const start = this.#position;
    if (start + byteCount > this.bytes.length) throw new EndOfBytes(this.file);
    this.#position += byteCount;
    return start;
  }
}

/** @throws CheckpointError checkpoint.malformed when the bytes are not UTF-8 */
export function decodeUtf8(bytes: Uint8Array, file: string, what: string): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw malformed(file, `${what} is not valid UTF-8.`, { cause: error });
  }
}
