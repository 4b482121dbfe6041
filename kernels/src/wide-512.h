// What products and attention of AVX-512 share: 32 neighbouring numbers of f32 as two registers.
#ifndef TAKEOFF_WIDE_512_H
#define TAKEOFF_WIDE_512_H

#include "inline.h"
#include "kernel.h"

#include <immintrin.h>

#define HALF 16

INLINE __m512 halves(const uint8_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
typedef struct {
  __m512 left, right;
} panel_values;

INLINE void store_half(__m512 sum, float *y, int cols) {
  if (cols >= HALF) _mm512_storeu_ps(y, sum);
  else if (cols > 0) _mm512_mask_storeu_ps(y, (__mmask16)((1u << cols) - 1), sum);
}
INLINE void store_columns(__m512 left, __m512 right, float *y, int cols) {
  store_half(left, y, cols);
  if (cols > HALF) store_half(right, y + HALF, cols - HALF);
}

// The 32 weights of one k as f32.
INLINE panel_values widen(tk_type type, const uint8_t *w) {
  if (type == TK_F32) return (panel_values){_mm512_loadu_ps(w), _mm512_loadu_ps(w + 64)};
  if (type == TK_F16) return (panel_values){halves(w), halves(w + 32)};
  const __m512i both = _mm512_loadu_si512(w);
  return (panel_values){_mm512_castsi512_ps(_mm512_slli_epi32(both, 16)),
                        _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000u)))};
}

// Turns 16 registers of a row each into 16 of a column each.
INLINE void transpose(__m512i *v) {
  __m512i t[16];
  UNROLL
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
  }
  UNROLL
  for (int i = 0; i < 16; i += 4) {
    v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  UNROLL
  for (int i = 0; i < 4; i++) {
    t[i] = _mm512_shuffle_i32x4(v[i], v[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(v[i], v[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(v[8 + i], v[12 + i], 0xdd);
  }
  UNROLL
  for (int i = 0; i < 8; i++) {
    v[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    v[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
  }
}

// 16 values of a row from `p` on, of which `count` exist.
INLINE __m512 load_some(const float *p, int count) {
  return count >= 16 ? _mm512_loadu_ps(p) : count <= 0 ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
}

#endif
