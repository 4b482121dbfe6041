// A place in a text that follows a grammar: which tokens may come next. Owns an LlgMatcher and its block; ends of sequences are not
// tokens of the text, so none is ever allowed here.
import { Defect } from '../../errors.js';
import type { Block, WasmHeap } from './wasm-heap.js';

/** llguidance says why a grammar is none, or which limit a computation met. */
export class Refused extends Error {}

export class Matcher {
  /** For llguidance.ts alone. */
  readonly address: number;
  readonly #heap: WasmHeap;
  readonly #tokenCount: number;
  readonly #mask: Block;
  readonly #token: Block;
  #isOpen = true;

  /** Takes the LlgMatcher at the address over. */
  constructor(heap: WasmHeap, address: number, tokenCount: number) {
    this.#heap = heap;
    this.address = address;
    this.#tokenCount = tokenCount;
    this.#mask = heap.allocate(4 * Math.ceil(tokenCount / 32));
    this.#token = heap.allocate(4);
  }

  /** Why nothing can be matched any more, or null. */
  get error(): string | null {
    // const char *llg_matcher_get_error(LlgMatcher *matcher): null, or a text that the matcher owns
    const error = this.#heap.call('llg_matcher_get_error', this.address);
    return error === 0 ? null : this.#heap.text(error);
  }

  /** Whether the text may end here. */
  get isAccepting(): boolean {
    return this.#heap.call('llg_matcher_is_accepting', this.address) !== 0;
  }

  /** Whether the text must end here. */
  get isStopped(): boolean {
    return this.#heap.call('llg_matcher_is_stopped', this.address) !== 0;
  }

  /** Another one at the same place. */
  clone(): Matcher {
    return new Matcher(this.#heap, this.#heap.call('llg_clone_matcher', this.address), this.#tokenCount);
  }

  /** @throws Refused, Trapped */
  allows(token: number): boolean {
    if (this.isStopped) return false;
    this.#heap.words(this.#token)[0] = token;
    // int32_t llg_matcher_validate_tokens(LlgMatcher *matcher, const uint32_t *tokens, size_t n): how many may follow; −1 on error
    const allowed = this.#heap.call('llg_matcher_validate_tokens', this.address, this.#token.address, 1);
    if (allowed < 0) throw new Refused(this.error ?? 'unknown');
    return allowed === 1;
  }

  /**
   * A bit for each token that may come next, the first in the lowest bit. A copy.
   * @throws Refused, Trapped
   */
  computeMask(): Uint32Array {
    if (this.isStopped) return new Uint32Array(this.#mask.bytes / 4);
    // int32_t llg_matcher_compute_mask_into(LlgMatcher *matcher, uint32_t *mask_dest, size_t mask_byte_len): 0, or −1 on error
    const { address, bytes } = this.#mask;
    const status = this.#heap.call('llg_matcher_compute_mask_into', this.address, address, bytes);
    if (status !== 0) throw new Refused(this.error ?? 'unknown');
    const mask = this.#heap.words(this.#mask).slice();
    // The made-up end of vocabulary.ts.
    const end = this.#tokenCount - 1;
    mask[end >> 5] = (mask[end >> 5] ?? 0) & ~(1 << (end & 31));
    return mask;
  }

  /**
   * Moves behind a token that is allowed.
   * @throws Trapped
   */
  accept(token: number): void {
    // int32_t llg_matcher_consume_token(LlgMatcher *matcher, uint32_t token): 0, or −1 when the token is not allowed
    if (this.#heap.call('llg_matcher_consume_token', this.address, token) !== 0)
      throw new Defect(`Token ${token} was accepted and is not allowed: ${this.error ?? 'unknown'}`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // What a trapped instance holds goes with it.
    if (this.#heap.hasTrapped) return;
    this.#heap.call('llg_free_matcher', this.address);
    this.#heap.free(this.#mask, this.#token);
  }
}
