// Which type keys and values are kept in, and what a position of them takes.
import type { GgufFile } from '../../checkpoint/gguf/gguf-file.js';
import { ConfigError } from '../../errors.js';
import type { CacheBits } from '../../model/cache-bits.js';
import { rowBytes, TENSOR_TYPES, type TensorType } from '../../model/tensor-types.js';

export type KvType = Extract<TensorType, 'F32' | 'F16' | 'Q8_0' | 'Q4_0'>;

const BY_BITS: Readonly<Record<CacheBits, KvType>> = { 16: 'F16', 8: 'Q8_0', 4: 'Q4_0' };

export const kvTypeOf = (bits: CacheBits | null, isExact: boolean): KvType =>
  bits === null ? (isExact ? 'F32' : 'F16') : BY_BITS[bits];

/**
 * Bytes of keys and values of one position over all layers.
 * @throws ConfigError when heads of the model cannot be quantised so
 */
export function kvBytesPerCell(file: GgufFile, type: KvType): number {
  const key = (name: string) => file.require(file.number(`llama.${name}`), `llama.${name}`);
  const heads = key('attention.head_count');
  const kvHeads = file.number('llama.attention.head_count_kv') ?? heads;
  const headWidth = file.number('llama.attention.key_length') ?? key('embedding_length') / heads;
  const headBytes = rowBytes(type, headWidth);
  if (headBytes === undefined)
    throw new ConfigError(
      `quantize_cache_bits keeps blocks of ${TENSOR_TYPES[type].blockElements} numbers, and the heads of ${file.name} have ${headWidth}; allowed is 16.`,
    );
  return 2 * key('block_count') * kvHeads * headBytes;
}
