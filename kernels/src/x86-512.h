// What avx512.c and avx512bf16.c share: products of 512-bit registers for AVX-512 with VNNI (F, BW, DQ, VL, VNNI). The including file
// defines, before it includes this one,
//   TK_ISA_NAME, TK_ISA_SYMBOL   name of the tk_isa, and the tk_isa
//   TK_ROUNDS_TO_BF16            1 where bf16 weights are multiplied by bf16 values of x (vdpbf16ps), else 0
//
// vpdpbusd multiplies unsigned by signed bytes and adds four products in 32 bits, so weights are unsigned (nibbles as they are, bytes with
// an offset of 128) and a block's sum starts with what the offset adds, negated. A register holds 16 columns with 4 consecutive k each,
// and a panel is two registers wide: the 4 values of x that are fetched for a row serve both.
#include "activations.h"
#include "attention.h"
#include "wide-512.h"

#define PANEL 32
#define ROWS 12
// 12 sums, the 16 registers of a block's weights and 3 to compute with fill the register file.
#define ROWS_AT_ONCE 6
// Few rows wait for memory and not for arithmetic, so these share one reading of the weights; some of their sums lie on the stack.
#define FEW_ROWS 8
// Weights come from memory one after the other, but slower than rows use them when the processor alone looks ahead.
#define FETCHED_AHEAD 4096

INLINE __m512 bytes(const uint8_t *p) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p))); }

INLINE __m512 signed_bytes(const uint8_t *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p))); }

INLINE void fetch(const uint8_t *p, int count) {
  for (int i = 0; i < count; i += 64) _mm_prefetch((const char *)p + FETCHED_AHEAD + i, _MM_HINT_T0);
}

// The weights of a block, unsigned: 8 registers of the left half of the panel, then 8 of the right half.
INLINE void load_nibbles(const uint8_t *p, __m512i *w) {
  const __m512i low = _mm512_set1_epi8(15);
  UNROLL
  for (int g = 0; g < 8; g++) {
    const __m512i both = _mm512_loadu_si512(p + 64 * g);
    __m512i *at = w + g % 2 * 8 + g / 2;
    at[0] = _mm512_and_si512(both, low);
    at[4] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low);
  }
}
INLINE void load_bytes(const uint8_t *p, __m512i *w) {
  const __m512i offset = _mm512_set1_epi8((char)0x80);
  UNROLL
  for (int g = 0; g < 16; g++) w[g % 2 * 8 + g / 2] = _mm512_xor_si512(_mm512_loadu_si512(p + 64 * g), offset);
}

// Six bits: q6_K's nibbles and, from bit 4 on, its two high bits.
INLINE __m512i join_high(__m512i nibbles, __m512i high) {
  return _mm512_ternarylogic_epi64(nibbles, high, _mm512_set1_epi8(0x30), 0xf8); // nibbles | (high & 0x30)
}
INLINE void load_sixes(const uint8_t *nibbles, const uint8_t *high, __m512i *w) {
  load_nibbles(nibbles, w);
  UNROLL
  for (int i = 0; i < 4; i++) {
    const __m512i h = _mm512_loadu_si512(high + 64 * i);
    __m512i *at = w + i % 2 * 8 + i / 2 * 2;
    at[0] = join_high(at[0], _mm512_slli_epi16(h, 4));
    at[4] = join_high(at[4], _mm512_slli_epi16(h, 2));
    at[1] = join_high(at[1], h);
    at[5] = join_high(at[5], _mm512_srli_epi16(h, 2));
  }
}

// One row times one block, scaled and added to its sums. Written as instructions, because compilers mix the chains of several rows,
// run out of registers and send sums through memory: a seventh of the speed.
#define STEP(g) "vpbroadcastd 4*" #g "(%[x]), %[v]\n\tvpdpbusd %[v], %[l" #g "], %[l]\n\tvpdpbusd %[v], %[r" #g "], %[r]\n\t"
#define SCALE_AND_ADD \
  "vcvtdq2ps %[l], %[l]\n\tvcvtdq2ps %[r], %[r]\n\tvbroadcastss %[s], %[v]\n\t" \
  "vmulps %[sl], %[l], %[l]\n\tvmulps %[sr], %[r], %[r]\n\t" \
  "vfmadd231ps %[v], %[l], %[tl]\n\tvfmadd231ps %[v], %[r], %[tr]"
INLINE void add_row(const int8_t *x, const int32_t *correction, const float *row_scale, const __m512i *w, const panel_values *scale,
                    panel_values *total) {
  __m512i l, r, v;
  __asm__("vpbroadcastd %[c], %[l]\n\tvmovdqa64 %[l], %[r]\n\t"
          STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
          SCALE_AND_ADD
          : [tl] "+v"(total->left), [tr] "+v"(total->right), [l] "=&v"(l), [r] "=&v"(r), [v] "=&v"(v)
          : [x] "r"(x), [c] "m"(*correction), [s] "m"(*row_scale), [sl] "m"(scale->left), [sr] "m"(scale->right),
            [l0] "v"(w[0]), [l1] "v"(w[1]), [l2] "v"(w[2]), [l3] "v"(w[3]), [l4] "v"(w[4]), [l5] "v"(w[5]), [l6] "v"(w[6]), [l7] "v"(w[7]),
            [r0] "v"(w[8]), [r1] "v"(w[9]), [r2] "v"(w[10]), [r3] "v"(w[11]), [r4] "v"(w[12]), [r5] "v"(w[13]), [r6] "v"(w[14]),
            [r7] "v"(w[15]), "m"(*(const int8_t(*)[TK_BLOCK])x));
}

// The same for half a block: 4 registers of the left half of the panel from w on, and 4 of the right half from w + 8 on.
INLINE void add_half_row(const int8_t *x, const int32_t *correction, const float *row_scale, const __m512i *w, const panel_values *scale,
                         panel_values *total) {
  __m512i l, r, v;
  __asm__("vpbroadcastd %[c], %[l]\n\tvmovdqa64 %[l], %[r]\n\t"
          STEP(0) STEP(1) STEP(2) STEP(3)
          SCALE_AND_ADD
          : [tl] "+v"(total->left), [tr] "+v"(total->right), [l] "=&v"(l), [r] "=&v"(r), [v] "=&v"(v)
          : [x] "r"(x), [c] "m"(*correction), [s] "m"(*row_scale), [sl] "m"(scale->left), [sr] "m"(scale->right),
            [l0] "v"(w[0]), [l1] "v"(w[1]), [l2] "v"(w[2]), [l3] "v"(w[3]), [r0] "v"(w[8]), [r1] "v"(w[9]), [r2] "v"(w[10]), [r3] "v"(w[11]),
            "m"(*(const int8_t(*)[TK_BLOCK / 2])x));
}

INLINE tk_quantised_block rows_from(const uint8_t *block, int first) {
  const tk_quantised_block a = tk_block_at(block, ROWS);
  const tk_quantised_block from = {a.q + first * TK_BLOCK, a.scale + first, a.correction + first, a.scaled_sum + first,
                                   a.second_correction + first};
  return from;
}

INLINE void add_block(const int rows, const tk_quantised_block a, const __m512i *w, const panel_values *scale, panel_values *total) {
  UNROLL
  for (int r = 0; r < rows; r++) add_row(a.q + r * TK_BLOCK, a.correction + r, a.scale + r, w, scale, total + r);
}

INLINE void multiply_blocks(const int rows, int first, const tk_type type, const uint8_t *tile, const uint8_t *panel, int k,
                            panel_values *total) {
  const int weight_bytes = type == TK_Q4_0 ? 16 : 32;
  for (int b = 0; b < k / TK_BLOCK; b++, tile += tk_block_bytes(ROWS), panel += (weight_bytes + 2) * PANEL) {
    const uint8_t *scales = panel + weight_bytes * PANEL;
    const panel_values scale = {halves(scales), halves(scales + 2 * HALF)};
    __m512i w[16];
    fetch(panel, (weight_bytes + 2) * PANEL);
    if (type == TK_Q4_0) load_nibbles(panel, w);
    else load_bytes(panel, w);
    add_block(rows, rows_from(tile, first), w, &scale, total);
  }
}

INLINE void multiply_super_blocks(const int rows, int first, const uint8_t *tile, const uint8_t *panel, int k, panel_values *total) {
  for (int s = 0; s < k / TK_SUPER; s++, panel += 148 * PANEL) {
    const panel_values d = {halves(panel), halves(panel + 2 * HALF)};
    const panel_values dmin = {halves(panel + 2 * PANEL), halves(panel + 2 * PANEL + 2 * HALF)};
    fetch(panel, 4 * PANEL);
    for (int b = 0; b < 8; b++, tile += tk_block_bytes(ROWS)) {
      const uint8_t *block = panel + 4 * PANEL + b * 18 * PANEL;
      const panel_values scale = {_mm512_mul_ps(d.left, bytes(block)), _mm512_mul_ps(d.right, bytes(block + HALF))};
      const tk_quantised_block a = rows_from(tile, first);
      __m512i w[16];
      fetch(block, 18 * PANEL);
      load_nibbles(block + 2 * PANEL, w);
      add_block(rows, a, w, &scale, total);
      const __m512 left = _mm512_mul_ps(dmin.left, bytes(block + PANEL)), right = _mm512_mul_ps(dmin.right, bytes(block + PANEL + HALF));
      UNROLL
      for (int r = 0; r < rows; r++) {
        const __m512 sum = _mm512_set1_ps(a.scaled_sum[r]);
        total[r].left = _mm512_fnmadd_ps(left, sum, total[r].left);
        total[r].right = _mm512_fnmadd_ps(right, sum, total[r].right);
      }
    }
  }
}

INLINE void multiply_six_bits(const int rows, int first, const uint8_t *tile, const uint8_t *panel, int k, panel_values *total) {
  for (int s = 0; s < k / TK_SUPER; s++, panel += 210 * PANEL) {
    const panel_values d = {halves(panel), halves(panel + 2 * HALF)};
    fetch(panel, 2 * PANEL);
    for (int b = 0; b < 8; b++, tile += tk_block_bytes(ROWS)) {
      const uint8_t *block = panel + 2 * PANEL + b * 26 * PANEL;
      const tk_quantised_block a = rows_from(tile, first);
      __m512i w[16];
      fetch(block, 26 * PANEL);
      load_sixes(block + 2 * PANEL, block + 18 * PANEL, w);
      UNROLL
      for (int half = 0; half < 2; half++) {
        const uint8_t *scales = block + half * PANEL;
        const panel_values scale = {_mm512_mul_ps(d.left, signed_bytes(scales)), _mm512_mul_ps(d.right, signed_bytes(scales + HALF))};
        const int32_t *correction = half ? a.second_correction : a.correction;
        UNROLL
        for (int r = 0; r < rows; r++)
          add_half_row(a.q + r * TK_BLOCK + half * TK_BLOCK / 2, correction + r, a.scale + r, w + 4 * half, &scale, total + r);
      }
    }
  }
}

// `rows` rows of a tile from `first` on, of which those below `wanted` are stored.
INLINE void multiply_quantised(const int rows, int first, const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y,
                               size_t y_stride, int wanted, int cols) {
  panel_values total[FEW_ROWS];
  UNROLL
  for (int r = 0; r < rows; r++) total[r].left = total[r].right = _mm512_setzero_ps();
  if (type == TK_Q4_K) multiply_super_blocks(rows, first, tile, panel, k, total);
  else if (type == TK_Q6_K) multiply_six_bits(rows, first, tile, panel, k, total);
  else multiply_blocks(rows, first, type, tile, panel, k, total);
  UNROLL
  for (int r = 0; r < rows; r++)
    if (first + r < wanted) store_columns(total[r].left, total[r].right, y + (size_t)(first + r) * y_stride, cols);
}

// Rows of a tile that are computed where so many are wanted.
INLINE int computed_rows(int rows) {
  return rows <= 2 ? rows : rows <= 4 ? 4 : rows <= ROWS_AT_ONCE ? ROWS_AT_ONCE : rows <= FEW_ROWS ? FEW_ROWS : ROWS;
}

INLINE void multiply_quantised_rows(const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int rows,
                                    int cols) {
  switch (computed_rows(rows)) {
  case 1: multiply_quantised(1, 0, type, tile, panel, k, y, y_stride, rows, cols); break;
  case 2: multiply_quantised(2, 0, type, tile, panel, k, y, y_stride, rows, cols); break;
  case 4: multiply_quantised(4, 0, type, tile, panel, k, y, y_stride, rows, cols); break;
  case FEW_ROWS: multiply_quantised(FEW_ROWS, 0, type, tile, panel, k, y, y_stride, rows, cols); break;
  default:
    for (int first = 0; first < rows; first += ROWS_AT_ONCE)
      multiply_quantised(ROWS_AT_ONCE, first, type, tile, panel, k, y, y_stride, rows, cols);
  }
}

INLINE void add_values(const int rows, const tk_type type, const uint8_t *w, const float *a, panel_values *total) {
#if TK_ROUNDS_TO_BF16
  if (type == TK_BF16) {
    const __m512bh left = (__m512bh)_mm512_loadu_si512(w), right = (__m512bh)_mm512_loadu_si512(w + 64);
    UNROLL
    for (int r = 0; r < rows; r++) {
      int32_t pair;
      memcpy(&pair, a + r, 4);
      const __m512bh v = (__m512bh)_mm512_set1_epi32(pair);
      total[r].left = _mm512_dpbf16_ps(total[r].left, left, v);
      total[r].right = _mm512_dpbf16_ps(total[r].right, right, v);
    }
    return;
  }
#endif
  const panel_values wide = widen(type, w);
  UNROLL
  for (int r = 0; r < rows; r++) {
    const __m512 v = _mm512_set1_ps(a[r]);
    total[r].left = _mm512_fmadd_ps(wide.left, v, total[r].left);
    total[r].right = _mm512_fmadd_ps(wide.right, v, total[r].right);
  }
}

INLINE bool is_in_pairs(tk_type type) { return TK_ROUNDS_TO_BF16 && type == TK_BF16; }

INLINE void multiply_plain(const int rows, const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride,
                           int wanted, int cols) {
  const int count = is_in_pairs(type) ? (k + 1) / 2 : k, weight_bytes = type == TK_F32 || is_in_pairs(type) ? 4 : 2;
  const float *a = (const float *)tile;
  panel_values total[ROWS];
  UNROLL
  for (int r = 0; r < rows; r++) total[r].left = total[r].right = _mm512_setzero_ps();
  for (int i = 0; i < count; i++, a += ROWS, panel += PANEL * weight_bytes) {
    fetch(panel, PANEL * weight_bytes);
    add_values(rows, type, panel, a, total);
  }
  UNROLL
  for (int r = 0; r < rows; r++)
    if (r < wanted) store_columns(total[r].left, total[r].right, y + (size_t)r * y_stride, cols);
}

INLINE void multiply_plain_rows(const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int rows, int cols) {
  if (rows == 1) multiply_plain(1, type, tile, panel, k, y, y_stride, rows, cols);
  else if (rows <= 4) multiply_plain(4, type, tile, panel, k, y, y_stride, rows, cols);
  else multiply_plain(ROWS, type, tile, panel, k, y, y_stride, rows, cols);
}

// Row counts are constants of the loops above; short tiles have loops of their own.
static void multiply(tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int rows, int cols) {
  switch (type) {
  case TK_Q4_0: multiply_quantised_rows(TK_Q4_0, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_Q8_0: multiply_quantised_rows(TK_Q8_0, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_Q4_K: multiply_quantised_rows(TK_Q4_K, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_Q6_K: multiply_quantised_rows(TK_Q6_K, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_F16: multiply_plain_rows(TK_F16, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_BF16: multiply_plain_rows(TK_BF16, tile, panel, k, y, y_stride, rows, cols); break;
  case TK_F32: multiply_plain_rows(TK_F32, tile, panel, k, y, y_stride, rows, cols); break;
  }
}

// 16 values of a row, or 16 pairs of values rounded to bf16.
INLINE __m512i load_values(const bool in_pairs, const float *row, int at, int k) {
#if TK_ROUNDS_TO_BF16
  if (in_pairs) return (__m512i)_mm512_cvtne2ps_pbh(load_some(row + 2 * at + 16, k - 2 * at - 16), load_some(row + 2 * at, k - 2 * at));
#endif
  (void)in_pairs;
  return _mm512_castps_si512(load_some(row + at, k - at));
}

INLINE void interleave(const bool in_pairs, const float *x, size_t x_stride, int rows, int k, uint8_t *tile) {
  const int count = in_pairs ? (k + 1) / 2 : k;
  for (int i = 0; i < count; i += 16) {
    __m512i v[16];
    UNROLL
    for (int r = 0; r < 16; r++) v[r] = r < rows ? load_values(in_pairs, x + (size_t)r * x_stride, i, k) : _mm512_setzero_si512();
    transpose(v);
    UNROLL
    for (int j = 0; j < 16; j++)
      if (i + j < count) _mm512_mask_storeu_epi32((int32_t *)tile + (size_t)(i + j) * ROWS, (1u << ROWS) - 1, v[j]);
  }
}

// As tk_quantise_block, and the sums of the integers of each half.
INLINE float quantise_block(const float *x, int8_t *q, int32_t *sums) {
  const __m512 left = _mm512_loadu_ps(x), right = _mm512_loadu_ps(x + 16);
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  const int32_t top = _mm512_reduce_max_epi32(_mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(left), magnitude),
                                                              _mm512_and_si512(_mm512_castps_si512(right), magnitude)));
  float most;
  memcpy(&most, &top, 4);
  const __m512 inverse = _mm512_set1_ps(most >= 1e-30f ? 127.f / most : 0.f);
  const __m512i l = _mm512_cvtps_epi32(_mm512_mul_ps(left, inverse)), r = _mm512_cvtps_epi32(_mm512_mul_ps(right, inverse));
  _mm_storeu_si128((__m128i *)q, _mm512_cvtepi32_epi8(l));
  _mm_storeu_si128((__m128i *)(q + 16), _mm512_cvtepi32_epi8(r));
  sums[0] = _mm512_reduce_add_epi32(l);
  sums[1] = _mm512_reduce_add_epi32(r);
  return most < 1e-30f ? 0.f : most / 127.f;
}

// As tk_quantise_rows, but for rows that nobody computes.
INLINE void quantise_rows(const float *x, size_t x_stride, int rows, int k, uint8_t *tile, int offset, const bool in_halves) {
  const int filled = computed_rows(rows);
  for (int b = 0; b < k / TK_BLOCK; b++, tile += tk_block_bytes(ROWS)) {
    float *scale = (float *)(tile + ROWS * TK_BLOCK), *scaled_sum = scale + 2 * ROWS;
    int32_t *correction = (int32_t *)(scale + ROWS);
    for (int r = 0; r < filled; r++) {
      int32_t sums[2] = {0, 0};
      if (r < rows) scale[r] = quantise_block(x + (size_t)r * x_stride + (size_t)b * TK_BLOCK, (int8_t *)tile + r * TK_BLOCK, sums);
      else {
        memset(tile + r * TK_BLOCK, 0, TK_BLOCK);
        scale[r] = 0;
      }
      // Sums of what a NaN made are of any size.
      const uint32_t whole = (uint32_t)sums[0] + (uint32_t)sums[1], factor = 0u - (uint32_t)offset;
      correction[r] = (int32_t)(factor * (in_halves ? (uint32_t)sums[0] : whole));
      if (in_halves) correction[ROWS + r] = (int32_t)(factor * (uint32_t)sums[1]);
      else scaled_sum[r] = scale[r] * (float)(int32_t)whole;
    }
  }
}

static void pack_rows(tk_type type, const float *x, size_t x_stride, int rows, int k, uint8_t *tile) {
  if (is_in_pairs(type)) interleave(true, x, x_stride, rows, k, tile);
  else if (!tk_is_quantised(type)) interleave(false, x, x_stride, rows, k, tile);
  else if (type == TK_Q6_K) quantise_rows(x, x_stride, rows, k, tile, 32, true);
  else quantise_rows(x, x_stride, rows, k, tile, type == TK_Q4_0 ? 8 : type == TK_Q8_0 ? 128 : 0, false);
}

const tk_isa TK_ISA_SYMBOL = {TK_ISA_NAME, ROWS, ROWS, ROWS_AT_ONCE, PANEL, PANEL, TK_ROUNDS_TO_BF16, pack_rows, multiply, tk_attend_512, tk_attention_bytes_512};
