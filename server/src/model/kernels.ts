// How a reader chooses its own CPU kernels, in the words of the setting `kernels`: by measurement, not at all, or by the name of
// an instruction set (those of kernels/src/dispatch.c).

export const INSTRUCTION_SETS = ['avx512bf16', 'avx512', 'avxvnni', 'avx2', 'i8mm', 'dotprod'] as const;
export type InstructionSet = (typeof INSTRUCTION_SETS)[number];

export const KERNEL_CHOICES = ['auto', 'off', ...INSTRUCTION_SETS] as const;
export type KernelChoice = (typeof KERNEL_CHOICES)[number];
