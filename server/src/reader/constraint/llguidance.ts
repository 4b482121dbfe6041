// llguidance's C interface (parser/llguidance.h) inside its WebAssembly: one vocabulary, and grammars compiled for it. Addresses do
// not leave this file and matcher.ts. Calls do not overlap.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Defect } from '../../errors.js';
import { Matcher, Refused } from './matcher.js';
import type { VocabularyBytes } from './vocabulary.js';
import { WasmHeap, type Block } from './wasm-heap.js';

/** In llguidance's words. */
export type GrammarKind = 'json_schema' | 'regex';

/** An instance after it has read its vocabulary, for others that need not read it again. */
export interface InstanceImage {
  readonly wasm: WebAssembly.Module;
  readonly memory: SharedArrayBuffer;
  /** Address of the LlgTokenizer. */
  readonly tokenizer: number;
  readonly tokenCount: number;
}

/** All that an instance holds, with a grammar that was compiled in it. */
export interface CompiledImage {
  readonly memory: ArrayBuffer;
  /** Address of the LlgMatcher. */
  readonly matcher: number;
}

/**
 * struct LlgParserLimits: what a compilation and each mask may cost. The defaults allow tens of milliseconds for a mask and half a
 * gigabyte of lexer states; one answer of many must not have that. Speeds are from the header's comments.
 */
const LIMITS = {
  /** Branches of a grammar at one place. */
  maxItemsInRow: 1_000,
  /** Nodes of the lexer's expressions: 50,000 in a millisecond. */
  initialLexerFuel: 500_000n,
  /** For one mask: 14,000 in a millisecond. */
  stepLexerFuel: 100_000n,
  /** For one mask: 20,000 in a millisecond. */
  stepMaxItems: 20_000,
  /** 1 to 2 kB of memory each. */
  maxLexerStates: 20_000,
  /** Symbols in all productions. */
  maxGrammarSize: 100_000,
};

/** struct LlgTokenizerInit of 32 bits: vocab_size, tok_eos, token_lens, token_bytes, …, the flag below at 28, two pointers. */
const TOKENIZER_INIT_BYTES = 40;
const USES_GREEDY_TOKENIZATION = 28;
/** struct LlgConstraintInit of 32 bits: tokenizer, two log levels, two flags, limits from 16 on. */
const CONSTRAINT_INIT_BYTES = 56;
const ERROR_BYTES = 512;

export class Llguidance {
  readonly tokenCount: number;
  readonly #wasm: WebAssembly.Module;
  readonly #heap: WasmHeap;
  readonly #tokenizer: number;

  private constructor(wasm: WebAssembly.Module, heap: WasmHeap, tokenizer: number, tokenCount: number) {
    this.#wasm = wasm;
    this.#heap = heap;
    this.#tokenizer = tokenizer;
    this.tokenCount = tokenCount;
  }

  /** Builds the trie of a vocabulary, which takes a tenth of a second and more. */
  static fromVocabulary(wasm: WebAssembly.Module, vocabulary: VocabularyBytes): Llguidance {
    const heap = new WasmHeap(wasm);
    return new Llguidance(wasm, heap, newTokenizer(heap, vocabulary), vocabulary.lengths.length);
  }

  /** Between other work of this thread. @param image may be of another thread */
  static async fromImage(image: InstanceImage): Promise<Llguidance> {
    const instance = Llguidance.empty(image);
    await instance.#become(image.memory);
    return instance;
  }

  /** Has nothing yet of what the image holds: only takeOver can be called. */
  static empty({ wasm, tokenizer, tokenCount }: InstanceImage): Llguidance {
    return new Llguidance(wasm, new WasmHeap(wasm), tokenizer, tokenCount);
  }

  /** Taken before anything is compiled: all of the memory is in it. */
  takeImage(): InstanceImage {
    return {
      wasm: this.#wasm,
      memory: this.#heap.sharedCopy(),
      tokenizer: this.#tokenizer,
      tokenCount: this.tokenCount,
    };
  }

  /** @param matcher of this instance, at the beginning of its text */
  takeImageWith(matcher: Matcher): CompiledImage {
    return { memory: this.#heap.copy(), matcher: matcher.address };
  }

  /**
   * Becomes what another instance with the same vocabulary was, between other work of this thread; whatever was compiled here before
   * is gone. Nobody calls this instance meanwhile.
   */
  async takeOver({ memory, matcher }: CompiledImage): Promise<Matcher> {
    await this.#become(memory);
    return new Matcher(this.#heap, matcher, this.tokenCount);
  }

  get memoryBytes(): number {
    return this.#heap.byteLength;
  }

  get hasTrapped(): boolean {
    return this.#heap.hasTrapped;
  }

  /**
   * A matcher at the beginning of a text; whoever asks for it closes it.
   * @throws Refused when the grammar is none, or larger than the limits
   * @throws Trapped
   */
  compile(kind: GrammarKind, grammar: string): Matcher {
    const heap = this.#heap;
    const init = this.#newConstraintInit();
    const kindText = heap.allocateText(kind);
    const grammarText = heap.allocateText(grammar);
    // LlgMatcher *llg_new_matcher(const LlgConstraintInit *init, const char *type, const char *data): never null
    const address = heap.call('llg_new_matcher', init.address, kindText.address, grammarText.address);
    heap.free(init, kindText, grammarText);
    const matcher = new Matcher(heap, address, this.tokenCount);
    const reason = matcher.error;
    if (reason === null) return matcher;
    matcher.close();
    throw new Refused(reason);
  }

  async #become(memory: ArrayBufferLike): Promise<void> {
    for (const slice of this.#heap.takeOver(memory)) await nextTurn(slice);
  }

  #newConstraintInit(): Block {
    const init = this.#heap.allocate(CONSTRAINT_INIT_BYTES);
    this.#heap.bytes(init).fill(0);
    const view = this.#heap.view(init);
    view.setUint32(0, this.#tokenizer, true);
    view.setUint32(16, LIMITS.maxItemsInRow, true);
    view.setBigUint64(24, LIMITS.initialLexerFuel, true);
    view.setBigUint64(32, LIMITS.stepLexerFuel, true);
    view.setUint32(40, LIMITS.stepMaxItems, true);
    view.setUint32(44, LIMITS.maxLexerStates, true);
    view.setUint32(48, LIMITS.maxGrammarSize, true);
    return init;
  }
}

function newTokenizer(heap: WasmHeap, { lengths, bytes }: VocabularyBytes): number {
  const count = lengths.length;
  const lengthsBlock = heap.allocate(count * 4);
  heap.words(lengthsBlock).set(lengths);
  const bytesBlock = heap.allocate(bytes.length);
  heap.bytes(bytesBlock).set(bytes);
  const init = heap.allocate(TOKENIZER_INIT_BYTES);
  heap.bytes(init).fill(0);
  heap.words(init).set([count, endTokenOf(count), lengthsBlock.address, bytesBlock.address]);
  // No text is ever made to tokens, so the way does not matter; but one must be named.
  heap.bytes(init)[USES_GREEDY_TOKENIZATION] = 1;
  const error = heap.allocate(ERROR_BYTES);
  // LlgTokenizer *llg_new_tokenizer(const LlgTokenizerInit *init, char *error, size_t error_len): null on failure; copies all
  const tokenizer = heap.call('llg_new_tokenizer', init.address, error.address, ERROR_BYTES);
  if (tokenizer === 0)
    throw new Defect(`llguidance refuses a vocabulary of ${count}: ${heap.text(error.address)}`);
  heap.free(lengthsBlock, bytesBlock, init, error);
  return tokenizer;
}

/** vocabulary.ts puts a token without bytes at the end, because a model may have several ends or none. */
const endTokenOf = (count: number): number => count - 1;
