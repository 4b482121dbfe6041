// Numbers that must not be mixed up, told apart by the compiler. The way one of them comes into being is here.
import { Defect } from '../errors.js';

declare const brand: unique symbol;
interface Branded<Name extends string> {
  readonly [brand]: Name;
}

/** Place of a sequence in the KV cache, counted from 0; llama.cpp's `seq_id`. */
export type Slot = number & Branded<'Slot'>;
/** A row of the vocabulary. */
export type TokenId = number & Branded<'TokenId'>;

const isIndex = (value: number): boolean => Number.isInteger(value) && value >= 0;
const isSlot = (value: number): value is Slot => isIndex(value);
const isTokenId = (value: number): value is TokenId => isIndex(value);

/** @throws Defect for anything but a whole number from 0 */
export function toSlot(value: number): Slot {
  if (!isSlot(value)) throw new Defect(`${value} is no slot; it must be a whole number from 0.`);
  return value;
}

/** @throws Defect for anything but a whole number from 0 */
export function toTokenId(value: number): TokenId {
  if (!isTokenId(value)) throw new Defect(`${value} is no token id; it must be a whole number from 0.`);
  return value;
}
