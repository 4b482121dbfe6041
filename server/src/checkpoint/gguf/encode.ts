// The head of a GGUF file as bytes: metadata and tensor table. Pure; the tensors' bytes follow at the offsets computed here.
import { Defect } from '../../errors.js';
import { rowBytes, TENSOR_TYPES, type TensorType } from '../../model/tensor-types.js';
import {
  DEFAULT_ALIGNMENT_BYTES,
  GGUF_MAGIC,
  GGUF_TYPE_ID,
  GGUF_VERSION,
  MAX_GGUF_DIMENSIONS,
  MAX_TENSOR_NAME_BYTES,
  type GgufMetadata,
  type GgufNumberType,
  type GgufValue,
} from './value.js';

export interface PlannedTensor {
  readonly name: string;
  /** ggml order: the row's elements first. */
  readonly dimensions: readonly number[];
  readonly type: TensorType;
}

export interface PlacedTensor extends PlannedTensor {
  /** From the start of the file. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

export interface GgufHead {
  readonly bytes: Uint8Array;
  readonly tensors: readonly PlacedTensor[];
  /** Length of the finished file. */
  readonly fileBytes: number;
}

/** Lays out a file: tensors in the given order, each at a multiple of the default alignment. */
export function encodeGgufHead(metadata: GgufMetadata, tensors: readonly PlannedTensor[]): GgufHead {
  const out = new GrowingBytes();
  out.u32(GGUF_MAGIC);
  out.u32(GGUF_VERSION);
  out.u64(tensors.length);
  out.u64(metadata.size);
  for (const [key, value] of metadata) {
    out.string(key);
    writeValue(out, value);
  }
  let dataOffset = 0;
  const placed: PlacedTensor[] = [];
  for (const tensor of tensors) {
    const sizeBytes = tensorBytes(tensor);
    writeTensorInfo(out, tensor, dataOffset);
    placed.push({ ...tensor, offsetBytes: dataOffset, sizeBytes });
    dataOffset = align(dataOffset + sizeBytes);
  }
  out.zeros(align(out.length) - out.length);
  const dataStart = out.length;
  return {
    bytes: out.bytes(),
    tensors: placed.map((tensor) => ({ ...tensor, offsetBytes: tensor.offsetBytes + dataStart })),
    fileBytes: dataStart + dataOffset,
  };
}

function align(offset: number): number {
  return Math.ceil(offset / DEFAULT_ALIGNMENT_BYTES) * DEFAULT_ALIGNMENT_BYTES;
}

function tensorBytes(tensor: PlannedTensor): number {
  const [rowElements = 1, ...others] = tensor.dimensions;
  const bytesPerRow = rowBytes(tensor.type, rowElements);
  if (
    bytesPerRow === undefined ||
    tensor.dimensions.length > MAX_GGUF_DIMENSIONS ||
    Buffer.byteLength(tensor.name) > MAX_TENSOR_NAME_BYTES
  )
    throw new Defect(
      `Tensor ${tensor.name} [${tensor.dimensions.join(', ')}] cannot be stored as ${tensor.type}.`,
    );
  return bytesPerRow * others.reduce((rows, dimension) => rows * dimension, 1);
}

function writeTensorInfo(out: GrowingBytes, tensor: PlannedTensor, dataOffset: number): void {
  out.string(tensor.name);
  out.u32(tensor.dimensions.length);
  for (const dimension of tensor.dimensions) out.u64(dimension);
  out.u32(TENSOR_TYPES[tensor.type].ggmlId);
  out.u64(dataOffset);
}

function writeValue(out: GrowingBytes, value: GgufValue): void {
  const isArray = 'of' in value;
  out.u32(GGUF_TYPE_ID[isArray ? 'array' : value.type]);
  if (isArray) {
    out.u32(GGUF_TYPE_ID[value.of]);
    out.u64(value.value.length);
  }
  switch (value.type) {
    case 'string': {
      out.string(value.value);
      return;
    }
    case 'strings': {
      value.value.forEach((item) => out.string(item));
      return;
    }
    case 'bool': {
      out.u8(value.value ? 1 : 0);
      return;
    }
    case 'bools': {
      value.value.forEach((item) => out.u8(item ? 1 : 0));
      return;
    }
    case 'u64':
    case 'i64': {
      out.u64Data(value.value);
      return;
    }
    case 'bigints': {
      value.value.forEach((item) => out.u64Data(item));
      return;
    }
    case 'numbers': {
      value.value.forEach((item) => out.number(value.of, item));
      return;
    }
    default: {
      out.number(value.type, value.value);
      return;
    }
  }
}

/** Little-endian bytes that double their room when it runs out. */
class GrowingBytes {
  #buffer = Buffer.alloc(1 << 16);
  length = 0;

  bytes(): Uint8Array {
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset, this.length);
  }
  u8(value: number): void {
    this.#at(1, (buffer, offset) => buffer.writeUInt8(value, offset));
  }
  u32(value: number): void {
    this.#at(4, (buffer, offset) => buffer.writeUInt32LE(value, offset));
  }
  u64(value: number): void {
    this.#at(8, (buffer, offset) => buffer.writeBigUInt64LE(BigInt(value), offset));
  }
  u64Data(value: bigint): void {
    this.#at(8, (buffer, offset) => buffer.writeBigUInt64LE(BigInt.asUintN(64, value), offset));
  }
  string(value: string): void {
    const byteCount = Buffer.byteLength(value);
    this.u64(byteCount);
    this.#at(byteCount, (buffer, offset) => buffer.write(value, offset, 'utf8'));
  }
  zeros(count: number): void {
    this.#at(count, (buffer, offset) => buffer.fill(0, offset, this.length));
  }
  number(type: GgufNumberType, value: number): void {
    switch (type) {
      case 'u8':
        this.#at(1, (buffer, offset) => buffer.writeUInt8(value, offset));
        break;
      case 'i8':
        this.#at(1, (buffer, offset) => buffer.writeInt8(value, offset));
        break;
      case 'u16':
        this.#at(2, (buffer, offset) => buffer.writeUInt16LE(value, offset));
        break;
      case 'i16':
        this.#at(2, (buffer, offset) => buffer.writeInt16LE(value, offset));
        break;
      case 'u32':
        this.#at(4, (buffer, offset) => buffer.writeUInt32LE(value, offset));
        break;
      case 'i32':
        this.#at(4, (buffer, offset) => buffer.writeInt32LE(value, offset));
        break;
      case 'f32':
        this.#at(4, (buffer, offset) => buffer.writeFloatLE(value, offset));
        break;
      case 'f64':
        this.#at(8, (buffer, offset) => buffer.writeDoubleLE(value, offset));
        break;
    }
  }

  /** Makes room first: growing replaces the buffer that the write goes to. */
  #at(count: number, write: (buffer: Buffer, offset: number) => unknown): void {
    const offset = this.#room(count);
    write(this.#buffer, offset);
  }

  /** Makes room for `count` bytes and returns where they begin. */
  #room(count: number): number {
    const start = this.length;
    if (start + count > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, start + count));
      this.#buffer.copy(larger, 0, 0, start);
      this.#buffer = larger;
    }
    this.length += count;
    return start;
  }
}
