// Products for AVX-512 with VNNI. bf16 weights are widened and multiplied in f32, which is exact, and on processors whose vdpbf16ps runs at half
// the rate of f32 arithmetic (Intel's, as measured) faster too.
#define TK_ISA_NAME "avx512"
#define TK_ISA_SYMBOL tk_avx512
#define TK_ROUNDS_TO_BF16 0
#include "x86-512.h"
