// Golden checkpoints with something changed: another layout, another setting, other projector layers. What must come out
// follows from the golden itself, so variants need no expectations of their own.
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface RawTensor {
  dtype: string;
  shape: number[];
  bytes: Uint8Array;
}
export type Tensors = Map<string, RawTensor>;
export type Config = Record<string, unknown>;

export const readConfig = (folder: string): Config =>
  JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as Config;

/** All tensors of a folder's safetensors files. */
export function readTensors(folder: string): Tensors {
  const tensors: Tensors = new Map();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.safetensors'))) {
    const file = readFileSync(path.join(folder, name));
    const dataStart = 8 + Number(file.readBigUInt64LE(0));
    const header = JSON.parse(file.toString('utf8', 8, dataStart)) as Record<
      string,
      { dtype: string; shape: number[]; data_offsets: [number, number] }
    >;
    for (const [tensor, entry] of Object.entries(header)) {
      if (tensor === '__metadata__') continue;
      const [start, end] = entry.data_offsets;
      tensors.set(tensor, {
        ...entry,
        bytes: new Uint8Array(file.subarray(dataStart + start, dataStart + end)),
      });
    }
  }
  return tensors;
}

/** A checkpoint folder with these tensors and this configuration, everything else copied from `from`. */
export function writeVariant(from: string, config: Config, tensors: Tensors): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-variant-'));
  for (const name of readdirSync(from)) {
    if (!/\.(safetensors|bin)$|index\.json$|^config\.json$/.test(name))
      cpSync(path.join(from, name), path.join(folder, name), { recursive: true });
  }
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  let offset = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { dtype, shape, bytes }] of tensors) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(
    path.join(folder, 'model.safetensors'),
    Buffer.concat([length, json, ...[...tensors.values()].map(({ bytes }) => bytes)]),
  );
  return folder;
}

export function f32Tensor(shape: number[], values: Float32Array): RawTensor {
  return { dtype: 'F32', shape, bytes: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/** Values of a BF16 or F32 tensor. */
export function floatsOf({ dtype, bytes }: RawTensor): Float32Array {
  if (dtype === 'F32') return new Float32Array(new Uint8Array(bytes).buffer);
  const words = new Uint16Array(new Uint8Array(bytes).buffer);
  return new Float32Array(Uint32Array.from(words, (word) => word * 65536).buffer);
}
