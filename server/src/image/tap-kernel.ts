// The inner loop of resizing: weighted sums of bytes in 22-bit fixed point, four neighbouring bytes at a time, as a WebAssembly
// function of 128-bit vectors that is assembled here instruction by instruction. The same loop in JavaScript needs
// five times as long: 365 ms for the tiles of a 12-megapixel photograph. It owns one growing memory for the process and is not re-entrant.
import { Defect } from '../errors.js';

/** Fraction bits of a weight. */
export const WEIGHT_BITS = 22;

/** Bytes of one entry: u32 source offset, u32 first weight, u32 end of weights, unused, i32[4] start values of the sums. */
export const ENTRY_BYTES = 32;

/** Bytes that a pass may read and write behind its last output. */
export const SPILL_BYTES = 4;

/** All positions are byte addresses in the kernel's memory, all steps are bytes. */
export interface Pass {
  readonly target: number;
  readonly targetStep: number;
  readonly source: number;
  readonly sourceStep: number;
  /** From one tap's bytes to the next one's. */
  readonly tapStep: number;
  readonly entry: number;
  readonly entryStep: number;
  /** Outputs of four bytes each; at least 1. */
  readonly outputs: number;
}

export interface TapKernel {
  /** The memory, grown to at least this many bytes. Views taken before are void. */
  reserve(byteCount: number): ArrayBuffer;
  /**
   * For each output: from the entry's start values, adds weight × byte for each weight of the entry, reading at source + the entry's
   * offset; shifts right by WEIGHT_BITS, clamps to 0 … 255 and writes four bytes at target. Then all three move on by their steps.
   */
  run(pass: Pass): void;
}

let kernel: TapKernel | undefined;

/** The one kernel of this process, made on first use. */
export function tapKernel(): TapKernel {
  kernel ??= instantiate();
  return kernel;
}

/** The part of the WebAssembly interface used here; it is no part of the compiler's ECMAScript library. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: Record<string, unknown> };
};

const PAGE_BYTES = 65_536;

function instantiate(): TapKernel {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(assemble());
  const { pass } = new WebAssembly.Instance(module, { js: { memory } }).exports;
  if (typeof pass !== 'function') throw new Defect('The resize kernel exports no function.');
  return {
    reserve: (byteCount) => {
      const missing = byteCount - memory.buffer.byteLength;
      if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
      return memory.buffer;
    },
    run: (p) => {
      Reflect.apply(pass, undefined, [
        p.target,
        p.targetStep,
        p.source,
        p.sourceStep,
        p.tapStep,
        p.entry,
        p.entryStep,
        p.outputs,
      ]);
    },
  };
}

// Names of the WebAssembly specification, release 2.0, chapter "Binary Format".
const I32 = 0x7f;
const V128 = 0x7b;
const EMPTY_BLOCK = 0x40;
const simd = (opcode: number, ...immediates: number[]): number[] => [0xfd, ...leb128(opcode), ...immediates];
const block = (...body: number[][]): number[] => [0x02, EMPTY_BLOCK, ...body.flat(), 0x0b];
const loop = (...body: number[][]): number[] => [0x03, EMPTY_BLOCK, ...body.flat(), 0x0b];
const branch = (depth: number): number[] => [0x0c, depth];
const branchIf = (depth: number): number[] => [0x0d, depth];
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const i32Const = (value: number): number[] => [0x41, value];
const i32Load = (offset: number): number[] => [0x28, 2, offset];
const I32_GE_U = [0x4f];
const I32_ADD = [0x6a];
const I32_SUB = [0x6b];
const v128Load = (offset: number): number[] => simd(0x00, 4, offset);
const LOAD_32_SPLAT = simd(0x09, 2, 0);
const LOAD_32_ZERO = simd(0x5c, 0, 0);
const STORE_32_LANE_0 = simd(0x5a, 0, 0, 0);
const I8X16_NARROW_U = simd(0x66);
const I16X8_NARROW_S = simd(0x85);
const I16X8_EXTEND_LOW_U = simd(0x89);
const I32X4_EXTEND_LOW_U = simd(0xa9);
const I32X4_SHR_S = simd(0xac);
const I32X4_ADD = simd(0xae);
const I32X4_MUL = simd(0xb5);

// Parameters of the function in the order of Pass, then its locals.
const [TARGET, TARGET_STEP, SOURCE, SOURCE_STEP, TAP_STEP, ENTRY, ENTRY_STEP, OUTPUTS] = [
  0, 1, 2, 3, 4, 5, 6, 7,
];
const [FROM, WEIGHT, END, SUM] = [8, 9, 10, 11];
const PARAMETER_COUNT = 8;

function passBody(): number[] {
  const advance = (local: number, step: number[]): number[] => [
    ...get(local),
    ...step,
    ...I32_ADD,
    ...set(local),
  ];
  return loop(
    [...get(SOURCE), ...get(ENTRY), ...i32Load(0), ...I32_ADD, ...set(FROM)],
    [...get(ENTRY), ...i32Load(4), ...set(WEIGHT)],
    [...get(ENTRY), ...i32Load(8), ...set(END)],
    [...get(ENTRY), ...v128Load(16), ...set(SUM)],
    block(
      loop(
        [...get(WEIGHT), ...get(END), ...I32_GE_U, ...branchIf(1)],
        [...get(FROM), ...LOAD_32_ZERO, ...I16X8_EXTEND_LOW_U, ...I32X4_EXTEND_LOW_U],
        [...get(WEIGHT), ...LOAD_32_SPLAT, ...I32X4_MUL],
        [...get(SUM), ...I32X4_ADD, ...set(SUM)],
        advance(WEIGHT, i32Const(4)),
        advance(FROM, get(TAP_STEP)),
        branch(0),
      ),
    ),
    [...get(TARGET), ...get(SUM), ...i32Const(WEIGHT_BITS), ...I32X4_SHR_S, ...tee(SUM)],
    [...get(SUM), ...I16X8_NARROW_S, ...tee(SUM), ...get(SUM), ...I8X16_NARROW_U, ...STORE_32_LANE_0],
    advance(TARGET, get(TARGET_STEP)),
    advance(SOURCE, get(SOURCE_STEP)),
    advance(ENTRY, get(ENTRY_STEP)),
    [...get(OUTPUTS), ...i32Const(1), ...I32_SUB, ...tee(OUTPUTS), ...branchIf(0)],
  );
}

function assemble(): Uint8Array<ArrayBuffer> {
  const vector = (items: number[][]): number[] => [...leb128(items.length), ...items.flat()];
  const section = (id: number, content: number[]): number[] => [id, ...leb128(content.length), ...content];
  const name = (text: string): number[] => [text.length, ...Buffer.from(text)];
  const parameters = vector(Array.from({ length: PARAMETER_COUNT }, () => [I32]));
  const locals = vector([
    [3, I32],
    [1, V128],
  ]);
  const code = [...locals, ...passBody(), 0x0b];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([[0x60, ...parameters, 0]])),
    ...section(2, vector([[...name('js'), ...name('memory'), 2, 0, 1]])),
    ...section(3, vector([[0]])),
    ...section(7, vector([[...name('pass'), 0, 0]])),
    ...section(10, vector([[...leb128(code.length), ...code]])),
  ]);
}

function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb128(value >>> 7)];
}
