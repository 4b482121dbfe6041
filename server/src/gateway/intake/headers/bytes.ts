// Bounded reads of the integers in image headers. Offsets are validated before each read: a header that ends early is refused, and
// never completed with zeros.
import { InputError } from '../../../errors.js';

export interface ImageSize {
  readonly widthPx: number;
  readonly heightPx: number;
}

export class HeaderBytes {
  readonly length: number;
  readonly #view: DataView;
  readonly #format: string;

  constructor(bytes: Uint8Array, format: string) {
    this.length = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#format = format;
  }

  u8(offset: number): number {
    this.#demand(offset, 1);
    return this.#view.getUint8(offset);
  }

  u16be(offset: number): number {
    this.#demand(offset, 2);
    return this.#view.getUint16(offset);
  }

  u16le(offset: number): number {
    this.#demand(offset, 2);
    return this.#view.getUint16(offset, true);
  }

  u24le(offset: number): number {
    return this.u16le(offset) + this.u8(offset + 2) * 65536;
  }

  u32be(offset: number): number {
    this.#demand(offset, 4);
    return this.#view.getUint32(offset);
  }

  u32le(offset: number): number {
    this.#demand(offset, 4);
    return this.#view.getUint32(offset, true);
  }

  i32le(offset: number): number {
    this.#demand(offset, 4);
    return this.#view.getInt32(offset, true);
  }

  /** Four ASCII characters. */
  tag(offset: number): string {
    return String.fromCharCode(
      this.u8(offset),
      this.u8(offset + 1),
      this.u8(offset + 2),
      this.u8(offset + 3),
    );
  }

  /** The error for a header that cannot be right. */
  broken(why: string): InputError {
    return new InputError('image.undecodable', `The ${this.#format} image is broken: ${why}.`, {
      details: { format: this.#format, bytes: this.length },
    });
  }

  #demand(offset: number, count: number): void {
    if (offset + count > this.length) {
      throw this.broken(`its header needs byte ${offset + count}, and the file ends after ${this.length}`);
    }
  }
}
