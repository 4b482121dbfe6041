// tokenizer.model: the SentencePiece model as a protocol buffer. Reads the few fields that tokenisation depends on (pieces with
// scores and types, the kind of model, the normaliser's flags) and skips the rest. Field numbers: google/sentencepiece,
// src/sentencepiece_model.proto.
import { malformed, unsupported } from '../failures.js';
import { ByteCursor } from '../files/byte-cursor.js';

/** Types of a piece; GGUF's token types have the same numbers. */
export const PIECE_TYPE = {
  normal: 1,
  unknown: 2,
  control: 3,
  userDefined: 4,
  unused: 5,
  byte: 6,
} as const;

export interface SentencePiece {
  readonly text: string;
  readonly score: number;
  readonly type: number;
}

export interface SentencePieceModel {
  readonly pieces: readonly SentencePiece[];
  readonly addsDummyPrefix: boolean;
  readonly removesExtraWhitespace: boolean;
  /** Whether the normaliser replaces characters (NFKC and the like) before encoding. */
  readonly normalizesCharacters: boolean;
}

/** Largest vocabularies in use have 262,144 pieces; an id is stored in 32 bits everywhere. */
const MAX_PIECES = 2 ** 21;
/** trainer_spec.model_type: only byte-pair models merge the way llama.cpp's tokenizer does. */
const BPE_MODEL = 2;
const UNIGRAM_MODEL = 1;

/** @throws CheckpointError checkpoint.malformed, checkpoint.unsupported (a unigram or word model) */
export function parseSentencePiece(bytes: Uint8Array, file: string): SentencePieceModel {
  const pieces: SentencePiece[] = [];
  let modelType = UNIGRAM_MODEL;
  let normalizer = { addsDummyPrefix: true, removesExtraWhitespace: true, normalizesCharacters: false };
  for (const field of fields(bytes, file)) {
    if (field.number === 1) {
      if (pieces.length === MAX_PIECES) throw malformed(file, `More than ${MAX_PIECES} pieces.`);
      pieces.push(parsePiece(bytesOf(field, file), file));
    } else if (field.number === 2) modelType = parseModelType(bytesOf(field, file), file) ?? modelType;
    else if (field.number === 3) normalizer = parseNormalizer(bytesOf(field, file), file);
  }
  if (pieces.length === 0) throw malformed(file, 'The model has no pieces.');
  if (modelType !== BPE_MODEL) {
    throw unsupported(
      file,
      `The model type is ${modelType}; only byte-pair models (2), as Llama, Vicuna, Mistral and Yi have, are supported.`,
    );
  }
  return { pieces, ...normalizer };
}

function parsePiece(bytes: Uint8Array, file: string): SentencePiece {
  let text: string | undefined;
  let score = 0;
  let type: number = PIECE_TYPE.normal;
  for (const field of fields(bytes, file)) {
    if (field.number === 1) {
      const cursor = new ByteCursor(bytesOf(field, file), bytesOf(field, file).length, file);
      text = cursor.text(cursor.wholeBytes, 'A piece');
    } else if (field.number === 2 && field.value instanceof Uint8Array)
      score = new ByteCursor(field.value, field.value.length, file).f32();
    else if (field.number === 3) type = numberOf(field, file);
  }
  if (text === undefined || text === '' || !Number.isFinite(score) || type < 1 || type > PIECE_TYPE.byte)
    throw malformed(file, 'A piece lacks its text, or has a score or type that does not exist.');
  return { text, score, type };
}

function parseModelType(bytes: Uint8Array, file: string): number | undefined {
  for (const field of fields(bytes, file)) if (field.number === 3) return numberOf(field, file);
  return undefined;
}

function parseNormalizer(bytes: Uint8Array, file: string) {
  const flags = { addsDummyPrefix: true, removesExtraWhitespace: true, normalizesCharacters: false };
  for (const field of fields(bytes, file)) {
    if (field.number === 2) flags.normalizesCharacters = bytesOf(field, file).length > 0;
    else if (field.number === 3) flags.addsDummyPrefix = numberOf(field, file) !== 0;
    else if (field.number === 4) flags.removesExtraWhitespace = numberOf(field, file) !== 0;
  }
  return flags;
}

interface Field {
  readonly number: number;
  /** A varint's value, or the bytes of any other wire type. */
  readonly value: number | Uint8Array;
}

/** The fields of one protocol-buffer message. Groups (wire types 3 and 4) are obsolete and refused. */
function* fields(bytes: Uint8Array, file: string): Generator<Field> {
  const cursor = new ByteCursor(bytes, bytes.length, file);
  while (cursor.remainingBytes > 0) {
    const key = varint(cursor, file);
    const wireType = key % 8;
    const number = Math.floor(key / 8);
    if (number === 0) throw malformed(file, 'A field has number 0; this is no SentencePiece model.');
    if (wireType === 0) yield { number, value: varint(cursor, file) };
    else if (wireType === 1) yield { number, value: cursor.range(8) };
    else if (wireType === 2) yield { number, value: cursor.range(varint(cursor, file)) };
    else if (wireType === 5) yield { number, value: cursor.range(4) };
    else throw malformed(file, `A field has wire type ${wireType}; this is no SentencePiece model.`);
  }
}

/** A varint as a number. Negative ones (ten bytes, two's complement of 64 bits) come out as large positive numbers. */
function varint(cursor: ByteCursor, file: string): number {
  let value = 0;
  for (let factor = 1, count = 0; count < 10; factor *= 128, count++) {
    const byte = cursor.u8();
    value += (byte % 128) * factor;
    if (byte < 128) return value;
  }
  throw malformed(file, 'A number is longer than 10 bytes.');
}

function numberOf(field: Field, file: string): number {
  if (typeof field.value !== 'number')
    throw malformed(file, `Field ${field.number} is no number; this is no SentencePiece model.`);
  return field.value;
}

function bytesOf(field: Field, file: string): Uint8Array {
  if (typeof field.value === 'number')
    throw malformed(file, `Field ${field.number} is a number; this is no SentencePiece model.`);
  return field.value;
}
