// Products for AVX-512 with VNNI and BF16: as avx512.c, but for bf16 weights, whose rows of x are rounded to bf16 and multiplied by vdpbf16ps.
// On processors where it runs at the rate of f32 arithmetic (AMD's, as measured) that is twice as fast.
#define TK_ISA_NAME "avx512bf16"
#define TK_ISA_SYMBOL tk_avx512bf16
#define TK_ROUNDS_TO_BF16 1
#include "x86-512.h"
