// Selects a token as a sampler chain would from some tokens only, without the chain remembering it: llama.cpp's own call takes all
// of the vocabulary and remembers what it selected, and a constraint may refuse that. Lives on the inference thread, for as long as
// it does.
import koffi from 'koffi';
import type { LlamaSymbols } from '../symbols/llama.js';
import type { Pointer } from '../symbols/structs.js';
import type { BannedTokens } from './jobs.js';

/** struct llama_token_data (llama.h): int32 id, f32 logit, f32 p. */
const CANDIDATE_WORDS = 3;
/** struct llama_token_data_array: data, size_t size, int64 selected, bool sorted, padded to 32. */
const ARRAY_BYTES = 32;

export interface Choice {
  /** All tokens of the vocabulary. */
  readonly logits: Float32Array;
  readonly banned: BannedTokens;
  /** A bit for each token that may be selected; null allows all. */
  readonly allowed: Uint32Array | null;
}

export class Candidates {
  readonly #llama: LlamaSymbols;
  readonly #array = koffi.alloc('uint8_t', ARRAY_BYTES) as Pointer;
  readonly #fields = new BigInt64Array(koffi.view(this.#array, ARRAY_BYTES));
  #data: Pointer = 0n;
  #ids = new Int32Array();
  #logits = new Float32Array();

  constructor(llama: LlamaSymbols) {
    this.#llama = llama;
  }

  /** The selected token; null when none may be. Bans yield where they leave none of what is allowed. */
  select(sampler: Pointer, choice: Choice): number | null {
    this.#hold(choice.logits.length);
    const count = this.#fill(choice, new Set(choice.banned.tokens)) || this.#fill(choice, new Set());
    if (count === 0) return null;
    this.#fields.set([this.#data, BigInt(count), -1n, 0n]);
    this.#llama.samplerApply(sampler, this.#array);
    const [data = 0n, , selected = -1n] = this.#fields;
    if (selected < 0n) return null;
    // Samplers may put an array of their own in the place of ours.
    const address = data + selected * BigInt(4 * CANDIDATE_WORDS);
    return new Int32Array(koffi.view(address, 4))[0] ?? null;
  }

  /** Writes the candidates and returns how many there are. */
  #fill({ logits, banned, allowed }: Choice, bans: ReadonlySet<number>): number {
    const end = Math.min(logits.length, banned.from);
    let at = 0;
    for (let token = 0; token < end; token += 1) {
      if (allowed !== null && (((allowed[token >> 5] ?? 0) >>> (token & 31)) & 1) === 0) continue;
      if (bans.has(token)) continue;
      this.#ids[at] = token;
      this.#logits[at + 1] = logits[token] ?? 0;
      this.#logits[at + 2] = 0;
      at += CANDIDATE_WORDS;
    }
    return at / CANDIDATE_WORDS;
  }

  #hold(tokens: number): void {
    if (this.#ids.length >= tokens * CANDIDATE_WORDS) return;
    if (this.#data !== 0n) koffi.free(this.#data);
    const bytes = tokens * CANDIDATE_WORDS * 4;
    this.#data = koffi.alloc('uint8_t', bytes) as Pointer;
    const memory = koffi.view(this.#data, bytes);
    this.#ids = new Int32Array(memory);
    this.#logits = new Float32Array(memory);
  }
}
