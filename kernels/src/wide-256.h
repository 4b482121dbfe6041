// What products and attention of AVX2 and AVX-VNNI share: 16 neighbouring numbers of f32 as two registers.
#ifndef TAKEOFF_WIDE_256_H
#define TAKEOFF_WIDE_256_H

#include "inline.h"
#include "kernel.h"

#include <immintrin.h>
#include <string.h>

#define HALF 8

INLINE __m256 halves(const uint8_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
typedef struct {
  __m256 left, right;
} panel_values;

INLINE void store_half(__m256 sum, float *y, int cols) {
  if (cols >= HALF) {
    _mm256_storeu_ps(y, sum);
    return;
  }
  float all[HALF];
  _mm256_storeu_ps(all, sum);
  if (cols > 0) memcpy(y, all, (size_t)cols * sizeof *y);
}
INLINE void store_columns(__m256 left, __m256 right, float *y, int cols) {
  store_half(left, y, cols);
  if (cols > HALF) store_half(right, y + HALF, cols - HALF);
}

// The 16 weights of one k as f32.
INLINE panel_values widen(tk_type type, const uint8_t *w) {
  if (type == TK_F32) return (panel_values){_mm256_loadu_ps((const float *)w), _mm256_loadu_ps((const float *)w + 8)};
  if (type == TK_F16) return (panel_values){halves(w), halves(w + 16)};
  const __m256i both = _mm256_loadu_si256((const __m256i *)w);
  return (panel_values){_mm256_castsi256_ps(_mm256_slli_epi32(both, 16)),
                        _mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32((int)0xffff0000u)))};
}

#endif
