// What avx2.c and avxvnni.c share: products of 256-bit registers. The including file defines, before it includes this one,
//   TK_ISA_NAME       name of the tk_isa, as a string
//   TK_ISA_SYMBOL     the tk_isa
//   TK_Q4_CORRECTION, TK_Q8_CORRECTION   what activations.h writes for offsets
//   dot_nibbles(sum, w, a)   adds the products of 32 unsigned bytes below 16 and 32 signed ones to a running sum
//   dot_bytes(sum, w, a)     the same for bytes as q8_0's panels hold them
//   finish_nibbles(sum)      the running sum as 8 integers of 32 bits, one a column
//   dot_unsigned(sum, w, a)  adds the products of 32 unsigned bytes up to 128 and 32 signed ones to 8 integers of 32 bits
// A register holds 8 columns with 4 consecutive k each; the same 4 values of x are broadcast to all columns.
#include "activations.h"
#include "attention.h"
#include "wide-256.h"

#define PANEL 8
#define ROWS_QUANTISED 6
#define ROWS_PLAIN 6
#define PANEL_PLAIN 16
// Weights come from memory one after the other, but slower than rows use them when the processor alone looks ahead.
#define FETCHED_AHEAD 2048

INLINE __m256i four(const int8_t *a) {
  int32_t value;
  memcpy(&value, a, 4);
  return _mm256_set1_epi32(value);
}

INLINE void fetch(const uint8_t *p, int count) {
  for (int i = 0; i < count; i += 64) _mm_prefetch((const char *)p + FETCHED_AHEAD + i, _MM_HINT_T0);
}

INLINE __m256 bytes(const uint8_t *p) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p))); }

INLINE __m256 signed_bytes(const uint8_t *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p))); }

// One block of nibbles times `rows` rows: integer sums, without scales.
INLINE void sum_nibbles(const int rows, const bool has_offset, const tk_quantised_block a, const uint8_t *w, __m256i *sum) {
  const __m256i low = _mm256_set1_epi8(15);
  for (int r = 0; r < rows; r++) sum[r] = has_offset ? _mm256_set1_epi32(a.correction[r]) : _mm256_setzero_si256();
  for (int g = 0; g < 4; g++) {
    const __m256i both = _mm256_loadu_si256((const __m256i *)(w + 32 * g));
    const __m256i first = _mm256_and_si256(both, low), second = _mm256_and_si256(_mm256_srli_epi16(both, 4), low);
    for (int r = 0; r < rows; r++) sum[r] = dot_nibbles(sum[r], first, four(a.q + r * TK_BLOCK + 4 * g));
    for (int r = 0; r < rows; r++) sum[r] = dot_nibbles(sum[r], second, four(a.q + r * TK_BLOCK + 4 * g + 16));
  }
}

INLINE void multiply_q4_0(const int rows, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int cols) {
  __m256 total[ROWS_QUANTISED];
  for (int r = 0; r < rows; r++) total[r] = _mm256_setzero_ps();
  for (int b = 0; b < k / TK_BLOCK; b++, tile += tk_block_bytes(ROWS_QUANTISED), panel += 18 * PANEL) {
    fetch(panel, 18 * PANEL);
    const tk_quantised_block a = tk_block_at(tile, ROWS_QUANTISED);
    __m256i sum[ROWS_QUANTISED];
    sum_nibbles(rows, true, a, panel, sum);
    const __m256 scale = halves(panel + 16 * PANEL);
    for (int r = 0; r < rows; r++)
      total[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(finish_nibbles(sum[r])), _mm256_mul_ps(scale, _mm256_set1_ps(a.scale[r])), total[r]);
  }
  for (int r = 0; r < rows; r++) store_half(total[r], y + (size_t)r * y_stride, cols);
}

INLINE void multiply_q4_k(const int rows, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int cols) {
  __m256 total[ROWS_QUANTISED];
  for (int r = 0; r < rows; r++) total[r] = _mm256_setzero_ps();
  for (int s = 0; s < k / TK_SUPER; s++, panel += 148 * PANEL) {
    const __m256 d = halves(panel), dmin = halves(panel + 2 * PANEL);
    for (int b = 0; b < 8; b++, tile += tk_block_bytes(ROWS_QUANTISED)) {
      const uint8_t *block = panel + 4 * PANEL + b * 18 * PANEL;
      fetch(block, 18 * PANEL);
      const tk_quantised_block a = tk_block_at(tile, ROWS_QUANTISED);
      __m256i sum[ROWS_QUANTISED];
      sum_nibbles(rows, false, a, block + 2 * PANEL, sum);
      const __m256 scale = _mm256_mul_ps(d, bytes(block)), minimum = _mm256_mul_ps(dmin, bytes(block + PANEL));
      for (int r = 0; r < rows; r++) {
        total[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(finish_nibbles(sum[r])), _mm256_mul_ps(scale, _mm256_set1_ps(a.scale[r])), total[r]);
        total[r] = _mm256_fnmadd_ps(minimum, _mm256_set1_ps(a.scaled_sum[r]), total[r]);
      }
    }
  }
  for (int r = 0; r < rows; r++) store_half(total[r], y + (size_t)r * y_stride, cols);
}

// Weights of group g and half `half` of a block of q6_K: nibbles, and two high bits that lie at another place in each of four cases.
INLINE __m256i sixes(const uint8_t *nibbles, const uint8_t *high, const int g, const int half) {
  const __m256i both = _mm256_loadu_si256((const __m256i *)(nibbles + 32 * g)), h = _mm256_loadu_si256((const __m256i *)(high + 32 * (g / 2)));
  const __m256i low = half ? _mm256_srli_epi16(both, 4) : both;
  const __m256i top = g % 2 == 0 ? (half ? _mm256_slli_epi16(h, 2) : _mm256_slli_epi16(h, 4)) : (half ? _mm256_srli_epi16(h, 2) : h);
  return _mm256_or_si256(_mm256_and_si256(low, _mm256_set1_epi8(15)), _mm256_and_si256(top, _mm256_set1_epi8(0x30)));
}

INLINE void multiply_q6_k(const int rows, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int cols) {
  __m256 total[ROWS_QUANTISED];
  for (int r = 0; r < rows; r++) total[r] = _mm256_setzero_ps();
  for (int s = 0; s < k / TK_SUPER; s++, panel += 210 * PANEL) {
    const __m256 d = halves(panel);
    for (int b = 0; b < 8; b++, tile += tk_block_bytes(ROWS_QUANTISED)) {
      const uint8_t *block = panel + 2 * PANEL + b * 26 * PANEL;
      fetch(block, 26 * PANEL);
      const tk_quantised_block a = tk_block_at(tile, ROWS_QUANTISED);
      for (int half = 0; half < 2; half++) {
        const int32_t *correction = half ? a.second_correction : a.correction;
        __m256i sum[ROWS_QUANTISED];
        for (int r = 0; r < rows; r++) sum[r] = _mm256_set1_epi32(correction[r]);
        for (int g = 0; g < 4; g++) {
          const __m256i w = sixes(block + 2 * PANEL, block + 18 * PANEL, g, half);
          for (int r = 0; r < rows; r++) sum[r] = dot_unsigned(sum[r], w, four(a.q + r * TK_BLOCK + 16 * half + 4 * g));
        }
        const __m256 scale = _mm256_mul_ps(d, signed_bytes(block + half * PANEL));
        for (int r = 0; r < rows; r++)
          total[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[r]), _mm256_mul_ps(scale, _mm256_set1_ps(a.scale[r])), total[r]);
      }
    }
  }
  for (int r = 0; r < rows; r++) store_half(total[r], y + (size_t)r * y_stride, cols);
}

INLINE void multiply_q8_0(const int rows, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int cols) {
  __m256 total[ROWS_QUANTISED];
  for (int r = 0; r < rows; r++) total[r] = _mm256_setzero_ps();
  for (int b = 0; b < k / TK_BLOCK; b++, tile += tk_block_bytes(ROWS_QUANTISED), panel += 34 * PANEL) {
    fetch(panel, 34 * PANEL);
    const tk_quantised_block a = tk_block_at(tile, ROWS_QUANTISED);
    __m256i sum[ROWS_QUANTISED];
    for (int r = 0; r < rows; r++)
      sum[r] = TK_Q8_CORRECTION == TK_NO_CORRECTION ? _mm256_setzero_si256() : _mm256_set1_epi32(a.correction[r]);
    for (int g = 0; g < 8; g++) {
      const __m256i w = _mm256_loadu_si256((const __m256i *)(panel + 32 * g));
      for (int r = 0; r < rows; r++) sum[r] = dot_bytes(sum[r], w, four(a.q + r * TK_BLOCK + 4 * g));
    }
    const __m256 scale = halves(panel + 32 * PANEL);
    for (int r = 0; r < rows; r++)
      total[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[r]), _mm256_mul_ps(scale, _mm256_set1_ps(a.scale[r])), total[r]);
  }
  for (int r = 0; r < rows; r++) store_half(total[r], y + (size_t)r * y_stride, cols);
}

INLINE void multiply_plain(const int rows, const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride,
                           int cols) {
  const float *a = (const float *)tile;
  __m256 left[ROWS_PLAIN], right[ROWS_PLAIN];
  for (int r = 0; r < rows; r++) left[r] = right[r] = _mm256_setzero_ps();
  for (int i = 0; i < k; i++, a += ROWS_PLAIN, panel += PANEL_PLAIN * (type == TK_F32 ? 4 : 2)) {
    const panel_values w = widen(type, panel);
    for (int r = 0; r < rows; r++) {
      const __m256 v = _mm256_broadcast_ss(a + r);
      left[r] = _mm256_fmadd_ps(w.left, v, left[r]);
      right[r] = _mm256_fmadd_ps(w.right, v, right[r]);
    }
  }
  for (int r = 0; r < rows; r++) {
    float *at = y + (size_t)r * y_stride;
    store_columns(left[r], right[r], at, cols);
  }
}

INLINE void multiply_rows(const int rows, tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int cols) {
  switch (type) {
  case TK_Q4_0: multiply_q4_0(rows, tile, panel, k, y, y_stride, cols); break;
  case TK_Q8_0: multiply_q8_0(rows, tile, panel, k, y, y_stride, cols); break;
  case TK_Q4_K: multiply_q4_k(rows, tile, panel, k, y, y_stride, cols); break;
  case TK_Q6_K: multiply_q6_k(rows, tile, panel, k, y, y_stride, cols); break;
  case TK_F16: multiply_plain(rows, TK_F16, tile, panel, k, y, y_stride, cols); break;
  case TK_BF16: multiply_plain(rows, TK_BF16, tile, panel, k, y, y_stride, cols); break;
  case TK_F32: multiply_plain(rows, TK_F32, tile, panel, k, y, y_stride, cols); break;
  }
}

// Row counts are constants of the loops above, so that sums stay in registers; short tiles have loops of their own.
static void multiply(tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int rows, int cols) {
  switch (rows) {
  case 1: multiply_rows(1, type, tile, panel, k, y, y_stride, cols); break;
  case 2: multiply_rows(2, type, tile, panel, k, y, y_stride, cols); break;
  case 3: multiply_rows(3, type, tile, panel, k, y, y_stride, cols); break;
  case 4: multiply_rows(4, type, tile, panel, k, y, y_stride, cols); break;
  case 5: multiply_rows(5, type, tile, panel, k, y, y_stride, cols); break;
  default: multiply_rows(6, type, tile, panel, k, y, y_stride, cols); break;
  }
}

static void pack_rows(tk_type type, const float *x, size_t x_stride, int rows, int k, uint8_t *tile) {
  if (!tk_is_quantised(type)) tk_interleave_rows(x, x_stride, rows, k, tile, ROWS_PLAIN);
  else
    tk_quantise_rows(x, x_stride, rows, k, tile, ROWS_QUANTISED,
                     type == TK_Q4_0   ? TK_Q4_CORRECTION
                     : type == TK_Q8_0 ? TK_Q8_CORRECTION
                     : type == TK_Q6_K ? TK_MINUS_32_A_HALF
                                       : TK_NO_CORRECTION);
}

const tk_isa TK_ISA_SYMBOL = {TK_ISA_NAME, ROWS_QUANTISED, ROWS_PLAIN, ROWS_QUANTISED, PANEL, PANEL_PLAIN, false, pack_rows, multiply, tk_attend_256, tk_attention_bytes_256};
