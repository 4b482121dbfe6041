// Products for AVX-512 with VNNI (F, BW, DQ, VL, VNNI). vpdpbusd multiplies unsigned by signed bytes and adds four products in 32
// bits, so weights are unsigned (nibbles as they are, bytes with an offset of 128) and a block's sum starts with what the offset adds, negated.
// A register holds 16 columns with 4 consecutive k each; the same 4 values of x are broadcast to all columns as part of the
// instruction. bf16 weights are widened and multiplied in f32: vdpbf16ps runs at half of that rate on the processors measured, and
// rounds x.
#include "activations.h"

#include <immintrin.h>

#define PANEL 16
#define ROWS_QUANTISED 16
#define ROWS_PLAIN 12
#define PANEL_PLAIN 32

#define INLINE static inline __attribute__((always_inline))

INLINE __m512i four(const int8_t *a) {
  int32_t value;
  memcpy(&value, a, 4);
  return _mm512_set1_epi32(value);
}

INLINE __m512 halves(const uint8_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
INLINE __m512 bytes(const uint8_t *p) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p))); }

INLINE void store_columns(__m512 sum, float *y, int cols) {
  if (cols >= PANEL) _mm512_storeu_ps(y, sum);
  else _mm512_mask_storeu_ps(y, (__mmask16)((1u << cols) - 1), sum);
}

// The eight registers of a block's weights, unsigned.
INLINE void load_nibbles(const uint8_t *p, __m512i *w) {
  const __m512i low = _mm512_set1_epi8(15);
  for (int g = 0; g < 4; g++) {
    const __m512i both = _mm512_loadu_si512(p + 64 * g);
    w[g] = _mm512_and_si512(both, low);
    w[g + 4] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
  }
}
INLINE void load_bytes(const uint8_t *p, __m512i *w) {
  for (int g = 0; g < 8; g++) w[g] = _mm512_xor_si512(_mm512_loadu_si512(p + 64 * g), _mm512_set1_epi8((char)0x80));
}

INLINE __m512i dot_block(const tk_quantised_block a, int r, const __m512i *w) {
  __m512i sum = _mm512_set1_epi32(a.correction[r]);
  for (int g = 0; g < 8; g++) sum = _mm512_dpbusd_epi32(sum, w[g], four(a.q + r * TK_BLOCK + 4 * g));
  return sum;
}

// `total` plus one block: exact integers, scaled. minimum is NULL for types without one.
INLINE void add_block(const int rows, const tk_quantised_block a, const __m512i *w, __m512 scale, const __m512 *minimum, __m512 *total) {
  for (int r = 0; r < rows; r++) {
    const __m512 sum = _mm512_cvtepi32_ps(dot_block(a, r, w));
    total[r] = _mm512_fmadd_ps(sum, _mm512_mul_ps(scale, _mm512_set1_ps(a.scale[r])), total[r]);
    if (minimum != NULL) total[r] = _mm512_fnmadd_ps(*minimum, _mm512_set1_ps(a.scaled_sum[r]), total[r]);
  }
}

INLINE void multiply_blocks(const int rows, const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, __m512 *total) {
  const int weight_bytes = type == TK_Q4_0 ? 16 : 32;
  for (int b = 0; b < k / TK_BLOCK; b++, tile += tk_block_bytes(ROWS_QUANTISED), panel += (weight_bytes + 2) * PANEL) {
    __m512i w[8];
    if (type == TK_Q4_0) load_nibbles(panel, w);
    else load_bytes(panel, w);
    add_block(rows, tk_block_at(tile, ROWS_QUANTISED), w, halves(panel + weight_bytes * PANEL), NULL, total);
  }
}

INLINE void multiply_super_blocks(const int rows, const uint8_t *tile, const uint8_t *panel, int k, __m512 *total) {
  for (int s = 0; s < k / TK_SUPER; s++, panel += 148 * PANEL) {
    const __m512 d = halves(panel), dmin = halves(panel + 2 * PANEL);
    for (int b = 0; b < 8; b++, tile += tk_block_bytes(ROWS_QUANTISED)) {
      const uint8_t *block = panel + 4 * PANEL + b * 18 * PANEL;
      const __m512 minimum = _mm512_mul_ps(dmin, bytes(block + PANEL));
      __m512i w[8];
      load_nibbles(block + 2 * PANEL, w);
      add_block(rows, tk_block_at(tile, ROWS_QUANTISED), w, _mm512_mul_ps(d, bytes(block)), &minimum, total);
    }
  }
}

INLINE void multiply_quantised(const int rows, const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride,
                               int wanted, int cols) {
  __m512 total[ROWS_QUANTISED];
  for (int r = 0; r < rows; r++) total[r] = _mm512_setzero_ps();
  if (type == TK_Q4_K) multiply_super_blocks(rows, tile, panel, k, total);
  else multiply_blocks(rows, type, tile, panel, k, total);
  for (int r = 0; r < rows; r++)
    if (r < wanted) store_columns(total[r], y + (size_t)r * y_stride, cols);
}

// The 32 weights of one k as f32.
INLINE void widen(tk_type type, const uint8_t *w, __m512 *left, __m512 *right) {
  if (type == TK_F32) {
    *left = _mm512_loadu_ps((const float *)w);
    *right = _mm512_loadu_ps((const float *)w + 16);
  } else if (type == TK_F16) {
    *left = halves(w);
    *right = halves(w + 32);
  } else {
    const __m512i both = _mm512_loadu_si512(w);
    *left = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    *right = _mm512_castsi512_ps(_mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000u)));
  }
}

INLINE void multiply_plain(const int rows, const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride,
                           int wanted, int cols) {
  const float *a = (const float *)tile;
  __m512 left[ROWS_PLAIN], right[ROWS_PLAIN];
  for (int r = 0; r < rows; r++) left[r] = right[r] = _mm512_setzero_ps();
  for (int i = 0; i < k; i++, a += ROWS_PLAIN, panel += PANEL_PLAIN * (type == TK_F32 ? 4 : 2)) {
    __m512 wl, wr;
    widen(type, panel, &wl, &wr);
    for (int r = 0; r < rows; r++) {
      const __m512 v = _mm512_set1_ps(a[r]);
      left[r] = _mm512_fmadd_ps(wl, v, left[r]);
      right[r] = _mm512_fmadd_ps(wr, v, right[r]);
    }
  }
  for (int r = 0; r < rows; r++) {
    if (r >= wanted) break;
    float *at = y + (size_t)r * y_stride;
    store_columns(left[r], at, cols);
    if (cols > 16) store_columns(right[r], at + 16, cols - 16);
  }
}

INLINE void multiply_quantised_rows(const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int rows,
                                    int cols) {
  if (rows == 1) multiply_quantised(1, type, tile, panel, k, y, y_stride, rows, cols);
  else if (rows == 2) multiply_quantised(2, type, tile, panel, k, y, y_stride, rows, cols);
  else if (rows <= 4) multiply_quantised(4, type, tile, panel, k, y, y_stride, rows, cols);
  else if (rows <= 8) multiply_quantised(8, type, tile, panel, k, y, y_stride, rows, cols);
  else multiply_quantised(16, type, tile, panel, k, y, y_stride, rows, cols);
}

INLINE void multiply_plain_rows(const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int rows, int cols) {
  if (rows == 1) multiply_plain(1, type, tile, panel, k, y, y_stride, rows, cols);
  else if (rows <= 4) multiply_plain(4, type, tile, panel, k, y, y_stride, rows, cols);
  else multiply_plain(12, type, tile, panel, k, y, y_stride, rows, cols);
}

// Row counts are constants of the loops above, so that sums stay in registers; short tiles have loops of their own.
static void multiply(tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int rows, int cols) {
  switch (type) {
  case TK_Q4_0: multiply_quantised_rows(TK_Q4_0, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_Q8_0: multiply_quantised_rows(TK_Q8_0, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_Q4_K: multiply_quantised_rows(TK_Q4_K, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_F16: multiply_plain_rows(TK_F16, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_BF16: multiply_plain_rows(TK_BF16, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_F32: multiply_plain_rows(TK_F32, tile, panel, k, y, y_stride, rows, cols); break;
  }
}

static void pack_rows(tk_type type, const float *x, size_t x_stride, int rows, int k, uint8_t *tile) {
  if (!tk_is_quantised(type)) tk_interleave_rows(x, x_stride, rows, k, tile, ROWS_PLAIN);
  else
    tk_quantise_rows(x, x_stride, rows, k, tile, ROWS_QUANTISED,
                     type == TK_Q4_0   ? TK_MINUS_8
                     : type == TK_Q8_0 ? TK_MINUS_128
                                       : TK_NO_CORRECTION);
}

const tk_isa tk_avx512 = {"avx512", ROWS_QUANTISED, ROWS_PLAIN, PANEL, PANEL_PLAIN, pack_rows, multiply};
