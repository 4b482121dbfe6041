// Our own CPU kernels in this process: which instruction set and types are used, and why none are if none are. A library that is
// missing, does not fit or computes wrongly is a reason, never a failure: llama.cpp's own kernels are there.
import { NativeError } from '../../errors.js';
import type { InstructionSet, KernelChoice } from '../../model/kernels.js';
import { TENSOR_TYPES, type TensorType } from '../../model/tensor-types.js';
import type { GgmlSymbols } from '../symbols/ggml.js';
import type { Pointer } from '../symbols/structs.js';
import { openKernelLibrary, type KernelLibrary } from './kernel-library.js';

/** Types that kernels exist for. */
const KERNEL_TYPES = [
  'Q4_0',
  'Q8_0',
  'Q4_K',
  'Q6_K',
  'F16',
  'BF16',
  'F32',
] as const satisfies readonly TensorType[];
export type KernelType = (typeof KERNEL_TYPES)[number];

/**
 * What `auto` uses: types that were measured to be faster than llama.cpp's kernels on a processor of that kind
 * (docs/performance.md). Instruction sets without an entry have not been measured; naming them in the setting uses all types.
 */
const FASTER: Partial<Record<InstructionSet, readonly KernelType[]>> = {
  avx2: KERNEL_TYPES,
  avx512: KERNEL_TYPES,
  avx512bf16: KERNEL_TYPES,
};

export type Kernels =
  | { readonly kind: 'unused'; readonly reason: string }
  | {
      readonly kind: 'used';
      readonly instructionSet: string;
      readonly types: readonly KernelType[];
      /** ggml_backend_dev of the kernels. */
      readonly device: Pointer;
      /** Where matrices lie that only products read. */
      readonly weightsBufferType: Pointer;
      /** Held as long as the process lives: ggml calls the library's functions, and a collected handle would unload them. */
      readonly library: KernelLibrary;
    };

export interface KernelOptions {
  readonly choice: KernelChoice;
  /** ggml_backend_dev of the CPU. */
  readonly cpu: Pointer;
  readonly threadpool: Pointer;
}

const unused = (reason: string): Kernels => ({ kind: 'unused', reason });

export function openKernels(ggml: GgmlSymbols, options: KernelOptions): Kernels {
  if (options.choice === 'off') return unused('the setting kernels is off');
  try {
    return useLibrary(openKernelLibrary(), ggml, options);
  } catch (error) {
    if (error instanceof NativeError) return unused(error.message);
    throw error;
  }
}

function useLibrary(library: KernelLibrary, ggml: GgmlSymbols, options: KernelOptions): Kernels {
  const { choice, cpu, threadpool } = options;
  const instructionSet = library.choose(choice === 'auto' ? null : choice);
  if (instructionSet === null) {
    return unused(
      choice === 'auto' ? 'there are none for this processor' : `this processor has no ${choice}`,
    );
  }
  const wanted = choice === 'auto' ? measured(instructionSet) : KERNEL_TYPES;
  if (wanted.length === 0) {
    return unused(
      `those for ${instructionSet} have not been measured yet; the setting kernels: ${instructionSet} uses them`,
    );
  }
  const wrong = wanted.filter((type) => !library.test(TENSOR_TYPES[type].ggmlId));
  if (wrong.length > 0) {
    return unused(`those for ${instructionSet} compute ${wrong.join(', ')} wrongly on this processor`);
  }
  const bits = wanted.reduce((sum, type) => sum + 2 ** TENSOR_TYPES[type].ggmlId, 0);
  const registry = library.open(cpu, threadpool, ggml.tensorOverhead(), bits);
  if (registry === null) return unused("ggml's tensors have another layout than they were written for");
  ggml.register(registry);
  return {
    kind: 'used',
    instructionSet,
    types: wanted,
    device: ggml.registryDevice(registry, 0),
    weightsBufferType: library.weightsBufferType(),
    library,
  };
}

const measured = (instructionSet: string): readonly KernelType[] =>
  Object.entries(FASTER).find(([name]) => name === instructionSet)?.[1] ?? [];

/** Rows that products with weights of that type compute together; 1 where llama.cpp's kernels do it. */
export function rowGroup(kernels: Kernels, type: string | undefined): number {
  if (kernels.kind === 'unused') return 1;
  const own = kernels.types.find((name) => name === type);
  return own === undefined ? 1 : kernels.library.rowGroup(TENSOR_TYPES[own].ggmlId);
}

/** One line for the log and for `takeoff doctor`. */
export const describeKernels = (kernels: Kernels): string =>
  kernels.kind === 'used'
    ? `${kernels.instructionSet} for ${kernels.types.join(', ')}`
    : `llama.cpp's own, because ${kernels.reason}`;
