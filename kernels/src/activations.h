// How rows of x become a tile. Instruction sets compile these loops for themselves (or have their own, as AVX-512) and all get the same numbers, bit for bit, because
// the arithmetic is plain f32 without contraction (-ffp-contract=off) and integers.
//
// A quantised tile: for each block of 32, T rows of 32 signed bytes, T scales in f32, T corrections, and T sums in f32 (scale times the
// sum of the block's integers; q4_K's minima are multiplied by it) or, for q6_K, T corrections of the block's
// second half. Scale = largest magnitude / 127, halves to even. What is smaller than 1e-30 counts as zero, because its inverse would not be finite. A block that holds an infinity or a NaN gets a scale that
// is not finite, and so do the results of its row.
// A plain tile: for each k, T values.
#ifndef TAKEOFF_ACTIVATIONS_H
#define TAKEOFF_ACTIVATIONS_H

#include "kernel.h"

#include <string.h>

// What a kernel adds to its integer sum because weights are stored with an offset.
typedef enum {
  TK_NO_CORRECTION,
  TK_MINUS_8_IN_HALVES, // two 16-bit numbers: -8 times the sum of k = 0, 1 mod 4, and of k = 2, 3 mod 4
  TK_MINUS_8,           // -8 times the sum
  TK_MINUS_128,         // -128 times the sum
  TK_MINUS_32_A_HALF,   // -32 times the sum of the first 16; another of the second 16
} tk_correction;

typedef struct {
  const int8_t *q;
  const float *scale;
  const int32_t *correction;
  const float *scaled_sum;
  const int32_t *second_correction; // in the place of scaled_sum
} tk_quantised_block;

static inline size_t tk_block_bytes(int tile_rows) { return (size_t)tile_rows * (TK_BLOCK + 12); }

static inline tk_quantised_block tk_block_at(const uint8_t *block, int tile_rows) {
  const uint8_t *scale = block + (size_t)tile_rows * TK_BLOCK;
  tk_quantised_block parts = {(const int8_t *)block, (const float *)scale, (const int32_t *)(scale + 4 * tile_rows),
                              (const float *)(scale + 8 * tile_rows), (const int32_t *)(scale + 8 * tile_rows)};
  return parts;
}

static inline float tk_quantise_block(const float *x, int8_t *q) {
  int32_t top = 0;
  for (int i = 0; i < TK_BLOCK; i++) {
    int32_t bits;
    memcpy(&bits, x + i, 4);
    bits &= 0x7fffffff; // as an integer, a larger magnitude is larger, and NaN is largest
    top = bits > top ? bits : top;
  }
  float magnitude;
  memcpy(&magnitude, &top, 4);
  const float inverse = magnitude >= 1e-30f ? 127.f / magnitude : 0.f;
  for (int i = 0; i < TK_BLOCK; i++) {
    const float shifted = x[i] * inverse + 12582912.f; // 1.5 * 2^23: the sum's last bits are the rounded integer
    int32_t bits;
    memcpy(&bits, &shifted, 4);
    q[i] = (int8_t)(uint8_t)((uint32_t)bits & 0xffu);
  }
  return magnitude < 1e-30f ? 0.f : magnitude / 127.f;
}

static inline int32_t tk_sum_half(const int8_t *q) {
  int32_t sum = 0;
  for (int i = 0; i < TK_BLOCK / 2; i++) sum += q[i];
  return sum;
}

static inline int32_t tk_correct(const int8_t *q, tk_correction correction, int32_t *sum) {
  int32_t even = 0, odd = 0;
  for (int i = 0; i < TK_BLOCK; i += 4) {
    even += q[i] + q[i + 1];
    odd += q[i + 2] + q[i + 3];
  }
  *sum = even + odd;
  switch (correction) {
  case TK_MINUS_8: return -8 * *sum;
  case TK_MINUS_128: return -128 * *sum;
  case TK_MINUS_8_IN_HALVES: return (int32_t)(((uint32_t)(-8 * even) & 0xffffu) | (uint32_t)(-8 * odd) << 16);
  case TK_MINUS_32_A_HALF: return -32 * tk_sum_half(q);
  default: return 0;
  }
}

static inline void tk_quantise_rows(const float *x, size_t x_stride, int rows, int k, uint8_t *tile, int tile_rows,
                                    tk_correction correction) {
  for (int b = 0; b < k / TK_BLOCK; b++, tile += tk_block_bytes(tile_rows)) {
    int8_t *q = (int8_t *)tile;
    float *scale = (float *)(tile + (size_t)tile_rows * TK_BLOCK);
    int32_t *corrections = (int32_t *)(scale + tile_rows);
    float *scaled_sum = (float *)(corrections + tile_rows);
    int32_t *second = corrections + tile_rows;
    for (int r = 0; r < tile_rows; r++, q += TK_BLOCK) {
      int32_t sum = 0;
      if (r < rows) {
        scale[r] = tk_quantise_block(x + (size_t)r * x_stride + (size_t)b * TK_BLOCK, q);
        corrections[r] = tk_correct(q, correction, &sum);
        if (correction == TK_MINUS_32_A_HALF) second[r] = -32 * tk_sum_half(q + TK_BLOCK / 2);
        else scaled_sum[r] = scale[r] * (float)sum;
      } else {
        memset(q, 0, TK_BLOCK);
        scale[r] = 0;
        corrections[r] = 0;
        scaled_sum[r] = 0; // all bits zero: the second correction is, too
      }
    }
  }
}

static inline void tk_interleave_rows(const float *x, size_t x_stride, int rows, int k, uint8_t *tile, int tile_rows) {
  float *out = (float *)tile;
  for (int i = 0; i < k; i++)
    for (int r = 0; r < tile_rows; r++) out[(size_t)i * (size_t)tile_rows + (size_t)r] = r < rows ? x[(size_t)r * x_stride + (size_t)i] : 0.f;
}

#endif
