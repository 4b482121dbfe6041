// What dotprod.c and i8mm.c share: products for 64-bit ARM. The including file defines TK_ISA_NAME, TK_ISA_SYMBOL and
//   dot_halves(rows, first, last, a, w, sum)   the integer sums of the halves `first` to `last` (0 or 1) of one block: w are 16 registers,
//                                the left and right half (4 columns each) of the 8 groups of 4 consecutive k; sum[2r] and sum[2r + 1]
//                                take columns 0 to 3 and 4 to 7 of row r
// Weights and x are both signed here, so that only the offset of nibbles is corrected. A panel is 8 columns, a tile 4 rows.
#include "activations.h"
#include "inline.h"

#include <arm_neon.h>

#define PANEL 8
#define ROWS 4

INLINE void dot_halves(const int rows, const int first, const int last, const tk_quantised_block a, const int8x16_t *w, int32x4_t *sum);

INLINE void halves(const uint8_t *p, float32x4_t *left, float32x4_t *right) {
  const float16x8_t both = vreinterpretq_f16_u8(vld1q_u8(p));
  *left = vcvt_f32_f16(vget_low_f16(both));
  *right = vcvt_high_f32_f16(both);
}
INLINE void bytes(const uint8_t *p, float32x4_t *left, float32x4_t *right) {
  const uint16x8_t both = vmovl_u8(vld1_u8(p));
  *left = vcvtq_f32_u32(vmovl_u16(vget_low_u16(both)));
  *right = vcvtq_f32_u32(vmovl_high_u16(both));
}

INLINE void signed_bytes(const uint8_t *p, float32x4_t *left, float32x4_t *right) {
  const int16x8_t both = vmovl_s8(vreinterpret_s8_u8(vld1_u8(p)));
  *left = vcvtq_f32_s32(vmovl_s16(vget_low_s16(both)));
  *right = vcvtq_f32_s32(vmovl_high_s16(both));
}

INLINE void store_columns(float32x4_t left, float32x4_t right, float *y, int cols) {
  float all[PANEL];
  float *to = cols >= PANEL ? y : all;
  vst1q_f32(to, left);
  vst1q_f32(to + 4, right);
  if (cols < PANEL) memcpy(y, all, (size_t)cols * sizeof *y);
}

INLINE void load_nibbles(const uint8_t *p, int8x16_t *w) {
  for (int i = 0; i < 8; i++) {
    const uint8x16_t both = vld1q_u8(p + 16 * i);
    w[i] = vreinterpretq_s8_u8(vandq_u8(both, vdupq_n_u8(15)));
    w[i + 8] = vreinterpretq_s8_u8(vshrq_n_u8(both, 4));
  }
}
INLINE void load_bytes(const uint8_t *p, int8x16_t *w) {
  for (int i = 0; i < 16; i++) w[i] = vld1q_s8((const int8_t *)p + 16 * i);
}

// q6_K's weights with their offset of 32 taken off: nibbles, and two high bits that lie at another place in each of four cases.
INLINE int8x16_t join_high(int8x16_t nibbles, uint8x16_t high) {
  const uint8x16_t six = vorrq_u8(vreinterpretq_u8_s8(nibbles), vandq_u8(high, vdupq_n_u8(0x30)));
  return vsubq_s8(vreinterpretq_s8_u8(six), vdupq_n_s8(32));
}
INLINE void load_sixes(const uint8_t *nibbles, const uint8_t *high, int8x16_t *w) {
  load_nibbles(nibbles, w);
  for (int i = 0; i < 4; i++) {
    const uint8x16_t h = vld1q_u8(high + 16 * i);
    int8x16_t *at = w + i / 2 * 4 + i % 2;
    at[0] = join_high(at[0], vshlq_n_u8(h, 4));
    at[8] = join_high(at[8], vshlq_n_u8(h, 2));
    at[2] = join_high(at[2], h);
    at[10] = join_high(at[10], vshrq_n_u8(h, 2));
  }
}

typedef struct {
  float32x4_t left, right;
} columns;

// `total` plus one block: exact integers, scaled. minimum is NULL for types without one.
INLINE void add_block(const int rows, const tk_quantised_block a, const int8x16_t *w, columns scale, const columns *minimum, columns *total) {
  int32x4_t sum[2 * ROWS];
  for (int r = 0; r < rows; r++) sum[2 * r] = sum[2 * r + 1] = vdupq_n_s32(a.correction[r]);
  dot_halves(rows, 0, 1, a, w, sum);
  for (int r = 0; r < rows; r++) {
    total[r].left = vfmaq_f32(total[r].left, vcvtq_f32_s32(sum[2 * r]), vmulq_n_f32(scale.left, a.scale[r]));
    total[r].right = vfmaq_f32(total[r].right, vcvtq_f32_s32(sum[2 * r + 1]), vmulq_n_f32(scale.right, a.scale[r]));
    if (minimum != NULL) {
      total[r].left = vfmsq_n_f32(total[r].left, minimum->left, a.scaled_sum[r]);
      total[r].right = vfmsq_n_f32(total[r].right, minimum->right, a.scaled_sum[r]);
    }
  }
}

INLINE void multiply_blocks(const int rows, const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, columns *total) {
  const int weight_bytes = type == TK_Q4_0 ? 16 : 32;
  for (int b = 0; b < k / TK_BLOCK; b++, tile += tk_block_bytes(ROWS), panel += (weight_bytes + 2) * PANEL) {
    int8x16_t w[16];
    columns scale;
    if (type == TK_Q4_0) load_nibbles(panel, w);
    else load_bytes(panel, w);
    halves(panel + weight_bytes * PANEL, &scale.left, &scale.right);
    add_block(rows, tk_block_at(tile, ROWS), w, scale, NULL, total);
  }
}

INLINE void multiply_super_blocks(const int rows, const uint8_t *tile, const uint8_t *panel, int k, columns *total) {
  for (int s = 0; s < k / TK_SUPER; s++, panel += 148 * PANEL) {
    columns d, dmin;
    halves(panel, &d.left, &d.right);
    halves(panel + 2 * PANEL, &dmin.left, &dmin.right);
    for (int b = 0; b < 8; b++, tile += tk_block_bytes(ROWS)) {
      const uint8_t *block = panel + 4 * PANEL + b * 18 * PANEL;
      columns scale, minimum;
      int8x16_t w[16];
      bytes(block, &scale.left, &scale.right);
      bytes(block + PANEL, &minimum.left, &minimum.right);
      scale = (columns){vmulq_f32(d.left, scale.left), vmulq_f32(d.right, scale.right)};
      minimum = (columns){vmulq_f32(dmin.left, minimum.left), vmulq_f32(dmin.right, minimum.right)};
      load_nibbles(block + 2 * PANEL, w);
      add_block(rows, tk_block_at(tile, ROWS), w, scale, &minimum, total);
    }
  }
}

INLINE void add_half(const int rows, const int half, const tk_quantised_block a, const int8x16_t *w, columns scale, columns *total) {
  int32x4_t sum[2 * ROWS];
  for (int i = 0; i < 2 * rows; i++) sum[i] = vdupq_n_s32(0);
  dot_halves(rows, half, half, a, w, sum);
  for (int r = 0; r < rows; r++) {
    total[r].left = vfmaq_f32(total[r].left, vcvtq_f32_s32(sum[2 * r]), vmulq_n_f32(scale.left, a.scale[r]));
    total[r].right = vfmaq_f32(total[r].right, vcvtq_f32_s32(sum[2 * r + 1]), vmulq_n_f32(scale.right, a.scale[r]));
  }
}

INLINE void multiply_six_bits(const int rows, const uint8_t *tile, const uint8_t *panel, int k, columns *total) {
  for (int s = 0; s < k / TK_SUPER; s++, panel += 210 * PANEL) {
    columns d;
    halves(panel, &d.left, &d.right);
    for (int b = 0; b < 8; b++, tile += tk_block_bytes(ROWS)) {
      const uint8_t *block = panel + 2 * PANEL + b * 26 * PANEL;
      int8x16_t w[16];
      load_sixes(block + 2 * PANEL, block + 18 * PANEL, w);
      for (int half = 0; half < 2; half++) {
        columns scale;
        signed_bytes(block + half * PANEL, &scale.left, &scale.right);
        scale = (columns){vmulq_f32(d.left, scale.left), vmulq_f32(d.right, scale.right)};
        add_half(rows, half, tk_block_at(tile, ROWS), w, scale, total);
      }
    }
  }
}

// The 8 weights of one k as f32.
INLINE columns widen(tk_type type, const uint8_t *w) {
  columns wide;
  if (type == TK_F32) {
    wide.left = vld1q_f32((const float *)w);
    wide.right = vld1q_f32((const float *)w + 4);
  } else if (type == TK_F16) {
    halves(w, &wide.left, &wide.right);
  } else {
    const uint32x4_t both = vreinterpretq_u32_u8(vld1q_u8(w));
    wide.left = vreinterpretq_f32_u32(vshlq_n_u32(both, 16));
    wide.right = vreinterpretq_f32_u32(vandq_u32(both, vdupq_n_u32(0xffff0000u)));
  }
  return wide;
}

INLINE void multiply_plain(const int rows, const tk_type type, const uint8_t *tile, const uint8_t *panel, int k, columns *total) {
  const float *a = (const float *)tile;
  for (int i = 0; i < k; i++, a += ROWS, panel += PANEL * (type == TK_F32 ? 4 : 2)) {
    const columns w = widen(type, panel);
    for (int r = 0; r < rows; r++) {
      total[r].left = vfmaq_n_f32(total[r].left, w.left, a[r]);
      total[r].right = vfmaq_n_f32(total[r].right, w.right, a[r]);
    }
  }
}

INLINE void multiply_rows(const int rows, tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int wanted,
                          int cols) {
  columns total[ROWS];
  for (int r = 0; r < rows; r++) total[r].left = total[r].right = vdupq_n_f32(0);
  switch (type) {
  case TK_Q4_0: multiply_blocks(rows, TK_Q4_0, tile, panel, k, total); break;
  case TK_Q8_0: multiply_blocks(rows, TK_Q8_0, tile, panel, k, total); break;
  case TK_Q4_K: multiply_super_blocks(rows, tile, panel, k, total); break;
  case TK_Q6_K: multiply_six_bits(rows, tile, panel, k, total); break;
  case TK_F16: multiply_plain(rows, TK_F16, tile, panel, k, total); break;
  case TK_BF16: multiply_plain(rows, TK_BF16, tile, panel, k, total); break;
  case TK_F32: multiply_plain(rows, TK_F32, tile, panel, k, total); break;
  }
  for (int r = 0; r < rows; r++)
    if (r < wanted) store_columns(total[r].left, total[r].right, y + (size_t)r * y_stride, cols);
}

// Row counts are constants of the loops above, so that sums stay in registers.
static void multiply(tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int rows, int cols) {
  if (rows == 1) multiply_rows(1, type, tile, panel, k, y, y_stride, rows, cols);
  else if (rows == 2) multiply_rows(2, type, tile, panel, k, y, y_stride, rows, cols);
  else multiply_rows(4, type, tile, panel, k, y, y_stride, rows, cols);
}

static void pack_rows(tk_type type, const float *x, size_t x_stride, int rows, int k, uint8_t *tile) {
  if (!tk_is_quantised(type)) tk_interleave_rows(x, x_stride, rows, k, tile, ROWS);
  else tk_quantise_rows(x, x_stride, rows, k, tile, ROWS, type == TK_Q4_0 ? TK_MINUS_8 : TK_NO_CORRECTION);
}

const tk_isa TK_ISA_SYMBOL = {TK_ISA_NAME, ROWS, ROWS, ROWS, PANEL, PANEL, false, pack_rows, multiply, NULL, NULL};
