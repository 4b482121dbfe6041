// Every element type that a GGUF file may name, with its block layout, so that foreign files are checked byte for byte even where
// this program cannot compute with the type. Numbers and sizes: ggml v0.5.0, ggml.h (enum ggml_type) and ggml-common.h.

interface GgufTypeFacts {
  readonly name: string;
  readonly blockElements: number;
  readonly blockBytes: number;
}

const facts = (name: string, blockElements: number, blockBytes: number): GgufTypeFacts => ({
  name,
  blockElements,
  blockBytes,
});

export const GGUF_TENSOR_TYPES: ReadonlyMap<number, GgufTypeFacts> = new Map([
  [0, facts('F32', 1, 4)],
  [1, facts('F16', 1, 2)],
  [2, facts('Q4_0', 32, 18)],
  [3, facts('Q4_1', 32, 20)],
  [6, facts('Q5_0', 32, 22)],
  [7, facts('Q5_1', 32, 24)],
  [8, facts('Q8_0', 32, 34)],
  [9, facts('Q8_1', 32, 36)],
  [10, facts('Q2_K', 256, 84)],
  [11, facts('Q3_K', 256, 110)],
  [12, facts('Q4_K', 256, 144)],
  [13, facts('Q5_K', 256, 176)],
  [14, facts('Q6_K', 256, 210)],
  [15, facts('Q8_K', 256, 292)],
  [16, facts('IQ2_XXS', 256, 66)],
  [17, facts('IQ2_XS', 256, 74)],
  [18, facts('IQ3_XXS', 256, 98)],
  [19, facts('IQ1_S', 256, 50)],
  [20, facts('IQ4_NL', 32, 18)],
  [21, facts('IQ3_S', 256, 110)],
  [22, facts('IQ2_S', 256, 82)],
  [23, facts('IQ4_XS', 256, 136)],
  [24, facts('I8', 1, 1)],
  [25, facts('I16', 1, 2)],
  [26, facts('I32', 1, 4)],
  [27, facts('I64', 1, 8)],
  [28, facts('F64', 1, 8)],
  [29, facts('IQ1_M', 256, 56)],
  [30, facts('BF16', 1, 2)],
  [34, facts('TQ1_0', 256, 54)],
  [35, facts('TQ2_0', 256, 66)],
  [39, facts('MXFP4', 32, 17)],
  [40, facts('NVFP4', 64, 36)],
  [41, facts('Q1_0', 128, 18)],
  [42, facts('Q2_0', 64, 18)],
]);
