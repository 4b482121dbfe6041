// The order of query and key rows. transformers rotates element i of a head together with element i + half; GGUF's `llama`
// architecture rotates neighbours, so rows are interleaved: first, half, second, half + 1, … Source of the rule: llama.cpp
// v0.5.0, conversion/llama.py (permute).
import { Defect } from '../../errors.js';

/**
 * Reorders whole heads.
 * @param bytes rows of `rowBytes` each, a whole number of heads of `headRows` rows
 */
export function interleaveHeads(bytes: Uint8Array, rowBytes: number, headRows: number): Uint8Array {
  const headBytes = headRows * rowBytes;
  if (headRows % 2 !== 0 || bytes.length % headBytes !== 0)
    throw new Defect(`${bytes.length} bytes are no whole heads of ${headRows} rows of ${rowBytes} bytes.`);
  const target = new Uint8Array(bytes.length);
  const half = headRows / 2;
  for (let head = 0; head < bytes.length; head += headBytes) {
    for (let row = 0; row < headRows; row++) {
      const from = head + ((row % 2) * half + Math.floor(row / 2)) * rowBytes;
      target.set(bytes.subarray(from, from + rowBytes), head + row * rowBytes);
    }
  }
  return target;
}
