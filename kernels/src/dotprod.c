// Products for ARM with the dot product instructions: sdot adds four products of signed bytes in 32 bits, for four columns.
#define TK_ISA_NAME "dotprod"
#define TK_ISA_SYMBOL tk_dotprod
#include "neon.h"

INLINE void dot_halves(const int rows, const int first, const int last, const tk_quantised_block a, const int8x16_t *w, int32x4_t *sum) {
  for (int r = 0; r < rows; r++)
    for (int half = first; half <= last; half++) {
      const int8x16_t x = vld1q_s8(a.q + r * TK_BLOCK + 16 * half); // four groups of four k
      const int8x16_t *g = w + 8 * half;
      for (int side = 0; side < 2; side++) {
        int32x4_t s = sum[2 * r + side];
        s = vdotq_laneq_s32(s, g[side], x, 0);
        s = vdotq_laneq_s32(s, g[2 + side], x, 1);
        s = vdotq_laneq_s32(s, g[4 + side], x, 2);
        s = vdotq_laneq_s32(s, g[6 + side], x, 3);
        sum[2 * r + side] = s;
      }
    }
}
