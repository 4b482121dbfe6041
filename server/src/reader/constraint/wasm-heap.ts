// An instance of llguidance's WebAssembly and its linear memory: calls, blocks, texts. Whoever allocates a block frees it. Views are
// valid until the next call, which may grow the memory. A trap leaves the memory in an unknown state, so it ends the instance: every
// later call throws the same error.
import { randomFillSync } from 'node:crypto';
import { Defect } from '../../errors.js';

/** The instance cannot be used any more; what was made with it is gone. */
export class Trapped extends Error {}

export interface Block {
  readonly address: number;
  readonly bytes: number;
}

const ALIGNMENT = 8;
const PAGE_BYTES = 65_536;
/** Copied in about a millisecond, most of which goes into pages that the memory did not have before. */
const SLICE_BYTES = 2 ** 20;

export class WasmHeap {
  readonly #exports: WebAssembly.Exports;
  readonly #memory: WebAssembly.Memory;
  /** What the Rust code said before it trapped. */
  #panic = '';
  #trap: Trapped | undefined;

  constructor(wasm: WebAssembly.Module) {
    this.#exports = new WebAssembly.Instance(wasm, this.#imports(wasm)).exports;
    const { memory } = this.#exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new Defect('llguidance exports no memory.');
    this.#memory = memory;
    this.call('__wbindgen_start');
  }

  get byteLength(): number {
    return this.#memory.buffer.byteLength;
  }

  get hasTrapped(): boolean {
    return this.#trap !== undefined;
  }

  copy(): ArrayBuffer {
    return this.#memory.buffer.slice(0);
  }

  sharedCopy(): SharedArrayBuffer {
    const content = new SharedArrayBuffer(this.byteLength);
    new Uint8Array(content).set(new Uint8Array(this.#memory.buffer));
    return content;
  }

  /**
   * Puts what the memory of another instance holds in the place of all that is here, with all addresses in it: a slice each time it is
   * asked, and nothing may be called until it is done. Between calls, all that an instance knows is in its memory.
   */
  *takeOver(content: ArrayBufferLike): Generator<undefined> {
    const missingBytes = content.byteLength - this.byteLength;
    if (missingBytes > 0) this.#memory.grow(missingBytes / PAGE_BYTES);
    const memory = new Uint8Array(this.#memory.buffer);
    for (let at = 0; at < content.byteLength; at += SLICE_BYTES) {
      memory.set(new Uint8Array(content, at, Math.min(SLICE_BYTES, content.byteLength - at)), at);
      yield;
    }
  }

  /**
   * Calls an exported function; one that returns nothing gives 0.
   * @throws Trapped
   */
  call(name: string, ...values: readonly number[]): number {
    if (this.#trap !== undefined) throw this.#trap;
    const called = this.#exports[name];
    if (typeof called !== 'function') throw new Defect(`llguidance has no function ${name}.`);
    try {
      const result: unknown = Reflect.apply(called, undefined, values);
      return typeof result === 'number' ? result : 0;
    } catch (cause) {
      this.#trap = new Trapped(this.#panic === '' ? String(cause) : this.#panic, { cause });
      throw this.#trap;
    }
  }

  allocate(bytes: number): Block {
    return { address: this.call('__wbindgen_malloc', bytes, ALIGNMENT) >>> 0, bytes };
  }

  free(...blocks: readonly Block[]): void {
    for (const { address, bytes } of blocks) this.call('__wbindgen_free', address, bytes, ALIGNMENT);
  }

  allocateText(text: string): Block {
    const encoded = Buffer.from(`${text}\0`, 'utf8');
    const block = this.allocate(encoded.length);
    this.bytes(block).set(encoded);
    return block;
  }

  /** The text up to the first NUL. */
  text(address: number): string {
    const bytes = new Uint8Array(this.#memory.buffer, address);
    return Buffer.from(bytes.subarray(0, bytes.indexOf(0))).toString('utf8');
  }

  bytes({ address, bytes }: Block): Uint8Array {
    return new Uint8Array(this.#memory.buffer, address, bytes);
  }

  words({ address, bytes }: Block): Uint32Array {
    return new Uint32Array(this.#memory.buffer, address, bytes / 4);
  }

  view({ address, bytes }: Block): DataView {
    return new DataView(this.#memory.buffer, address, bytes);
  }

  /** Of what wasm-bindgen's glue would give, the clock, randomness and reports of panics are called; the rest handles objects. */
  #imports(wasm: WebAssembly.Module): WebAssembly.Imports {
    const imports: Record<string, Record<string, (...values: number[]) => unknown>> = {};
    for (const { module, name } of WebAssembly.Module.imports(wasm))
      (imports[module] ??= {})[name] = this.#imported(name);
    return imports;
  }

  #imported(name: string): (...values: number[]) => unknown {
    const textOf = (address = 0, bytes = 0) => Buffer.from(this.bytes({ address, bytes })).toString('utf8');
    if (name === 'now') return () => performance.now();
    if (name.includes('getRandomValues'))
      return (address = 0, bytes = 0) => void randomFillSync(this.bytes({ address, bytes }));
    if (name.includes('_error_'))
      return (address, bytes) => {
        this.#panic = textOf(address, bytes);
      };
    if (name.includes('_throw_'))
      return (address, bytes) => {
        throw new Trapped(textOf(address, bytes));
      };
    if (name.includes('init_externref_table')) return () => this.#fillExternrefTable();
    // A panic makes an Error to read its stack from.
    return () => null;
  }

  /** The constants that wasm-bindgen keeps in front of its table of objects. */
  #fillExternrefTable(): void {
    const table = this.#exports['__wbindgen_externrefs'];
    if (!(table instanceof WebAssembly.Table)) throw new Defect('llguidance exports no table of objects.');
    const constants = [undefined, null, true, false];
    const first = table.grow(constants.length);
    constants.forEach((constant, index) => table.set(first + index, constant));
  }
}
