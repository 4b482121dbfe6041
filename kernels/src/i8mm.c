// Products for ARM with matrix instructions on bytes: smmla adds, for two rows and two columns at once, eight products each in 32 bits.
#define TK_ISA_NAME "i8mm"
#define TK_ISA_SYMBOL tk_i8mm
#include "neon.h"

INLINE int8x16_t join(int32x4_t a, int32x4_t b, bool is_upper) {
  return vreinterpretq_s8_s32(is_upper ? vzip2q_s32(a, b) : vzip1q_s32(a, b));
}

// The sums of two rows and columns pair up to pair + 1 (of a side): [r0c0 r0c1 r1c0 r1c1], over the groups of four k from `from` to `to`.
INLINE void dot_pair(const int8_t *q0, const int8_t *q1, const int8x16_t *w, int side, const int from, const int to, int32x4_t *low,
                     int32x4_t *high) {
  for (int g = from; g < to; g += 2) {
    const int8x16_t x = vcombine_s8(vld1_s8(q0 + 4 * g), vld1_s8(q1 + 4 * g)); // eight k of each row
    const int32x4_t first = vreinterpretq_s32_s8(w[2 * g + side]), second = vreinterpretq_s32_s8(w[2 * g + 2 + side]);
    *low = vmmlaq_s32(*low, x, join(first, second, false));
    *high = vmmlaq_s32(*high, x, join(first, second, true));
  }
}

INLINE void dot_halves(const int rows, const int first, const int last, const tk_quantised_block a, const int8x16_t *w, int32x4_t *sum) {
  for (int r = 0; r < rows; r += 2) {
    const int8_t *q0 = a.q + r * TK_BLOCK, *q1 = r + 1 < rows ? q0 + TK_BLOCK : q0;
    for (int side = 0; side < 2; side++) {
      int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
      dot_pair(q0, q1, w, side, 4 * first, 4 * last + 4, &low, &high);
      const int64x2_t l = vreinterpretq_s64_s32(low), h = vreinterpretq_s64_s32(high);
      sum[2 * r + side] = vaddq_s32(sum[2 * r + side], vreinterpretq_s32_s64(vzip1q_s64(l, h)));
      if (r + 1 < rows) sum[2 * r + 2 + side] = vaddq_s32(sum[2 * r + 2 + side], vreinterpretq_s32_s64(vzip2q_s64(l, h)));
    }
  }
}
