// An oracle for tests: a small SentencePiece BPE vocabulary read straight from tokenizer.model, slow and obvious. Shares no
// code with the program. Implements the reader's Tokenizer, so prompt assembly can be checked without native code.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AddedToken, TokenizerSettings } from '../../server/src/model/description.js';
import { toTokenId, type TokenId } from '../../server/src/reader/ids.js';
import type { Tokenizer } from '../../server/src/reader/prompt/tokenizer.js';

/** SentencePiece.Type of sentencepiece_model.proto. */
const TYPE = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

interface Piece {
  readonly text: string;
  readonly score: number;
  readonly type: number;
}

interface Field {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly varint: number;
}

function* fields(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key & 7;
    if (wire === 0) {
      yield { number: key >>> 3, bytes: new Uint8Array(), varint: varint() };
    } else {
      const byteCount = wire === 2 ? varint() : wire === 5 ? 4 : 8;
      yield { number: key >>> 3, bytes: bytes.subarray(at, at + byteCount), varint: 0 };
      at += byteCount;
    }
  }
}

function readPiece(bytes: Uint8Array): Piece {
  let text = '';
  let score = 0;
  let type: number = TYPE.normal;
  for (const field of fields(bytes)) {
    if (field.number === 1) text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(field.bytes);
    if (field.number === 2) score = new DataView(Uint8Array.from(field.bytes).buffer).getFloat32(0, true);
    if (field.number === 3) type = field.varint;
  }
  return { text, score, type };
}

export class SentencePieceBpe implements Tokenizer {
  readonly settings: TokenizerSettings;
  readonly #pieces: Piece[] = [];
  readonly #normal = new Map<string, number>();
  readonly #bytes = new Map<number, number>();

  constructor(modelFile: string, settings: (pieceCount: number) => TokenizerSettings) {
    for (const field of fields(readFileSync(modelFile))) {
      if (field.number === 1) this.#pieces.push(readPiece(field.bytes));
    }
    this.#pieces.forEach(({ text, type }, id) => {
      if (type === TYPE.normal) this.#normal.set(text, id);
      if (type === TYPE.byte) this.#bytes.set(Number(text.slice(1, -1)), id);
    });
    this.settings = settings(this.#pieces.length);
  }

  encodePlain(text: string): TokenId[] {
    const symbols = Array.from(text.replaceAll(' ', '▁'));
    for (;;) {
      let best = -1;
      let bestScore = Number.NEGATIVE_INFINITY;
      for (let at = 0; at + 1 < symbols.length; at += 1) {
        const id = this.#normal.get(symbols[at]! + symbols[at + 1]!);
        const score = id === undefined ? undefined : this.#pieces[id]!.score;
        if (score !== undefined && score > bestScore) {
          best = at;
          bestScore = score;
        }
      }
      if (best === -1) break;
      symbols.splice(best, 2, symbols[best]! + symbols[best + 1]!);
    }
    const ids = symbols.flatMap((symbol) => {
      const id = this.#normal.get(symbol);
      return id === undefined
        ? [...new TextEncoder().encode(symbol)].map((byte) => this.#bytes.get(byte)!)
        : [id];
    });
    return ids.map(toTokenId);
  }

  spelling(token: number): string {
    const added = this.settings.addedTokens.find(({ id }) => id === token);
    return added?.content ?? this.#pieces[token]?.text ?? '';
  }

  pieceBytes(token: number): Uint8Array {
    const added = this.settings.addedTokens.find(({ id }) => id === token);
    if (added !== undefined) return new TextEncoder().encode(added.special ? '' : added.content);
    const piece = this.#pieces[token];
    if (piece === undefined) return new Uint8Array();
    if (piece.type === TYPE.byte) return Uint8Array.of(Number(piece.text.slice(1, -1)));
    return new TextEncoder().encode(piece.type === TYPE.normal ? piece.text.replaceAll('▁', ' ') : '');
  }
}

/** The vocabulary of a checkpoint folder with `<unk> <s> </s>` = 0 1 2 and the non-special tokens of added_tokens.json. */
export function openCheckpointVocabulary(folder: string): SentencePieceBpe {
  const config = JSON.parse(readFileSync(join(folder, 'tokenizer_config.json'), 'utf8')) as {
    legacy: boolean;
  };
  const special = ['<unk>', '<s>', '</s>'].map((content, id) => added(id, content, true));
  const others = Object.entries(addedTokensFile(folder)).map(([content, id]) => added(id, content, false));
  return new SentencePieceBpe(join(folder, 'tokenizer.model'), (pieceCount) => ({
    kind: 'sentencepiece',
    legacy: config.legacy,
    addBos: true,
    addSpacePrefix: true,
    removesExtraWhitespace: false,
    bosId: 1,
    eosIds: [2],
    tokenCount: pieceCount + others.length,
    addedTokens: [...special, ...others],
    spellings: null,
  }));
}

const added = (id: number, content: string, special: boolean): AddedToken => ({
  id,
  content,
  special,
  lstrip: false,
  rstrip: false,
});

function addedTokensFile(folder: string): Record<string, number> {
  try {
    return JSON.parse(readFileSync(join(folder, 'added_tokens.json'), 'utf8')) as Record<string, number>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}
