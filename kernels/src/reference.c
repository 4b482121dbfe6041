// See reference.h.
#include "reference.h"

#include "activations.h"

#include <math.h>

static float half_at(const uint8_t *p) { return tk_half_to_float((uint16_t)(p[0] | p[1] << 8)); }

static void dequantise_q4_0(const uint8_t *block, float *out) {
  const float d = half_at(block);
  for (int i = 0; i < 16; i++) {
    out[i] = d * (float)((block[2 + i] & 15) - 8);
    out[i + 16] = d * (float)((block[2 + i] >> 4) - 8);
  }
}

static void dequantise_q8_0(const uint8_t *block, float *out) {
  const float d = half_at(block);
  for (int i = 0; i < TK_BLOCK; i++) out[i] = d * (float)(int8_t)block[2 + i];
}

// sign -1 takes the minimum off, as weights have it; sign 1 adds it, which is what rounding errors grow with.
static void dequantise_q4_k(const uint8_t *block, float sign, float *out) {
  const float d = half_at(block), dmin = half_at(block + 2);
  const uint8_t *s = block + 4;
  for (int b = 0; b < 8; b++) {
    const int scale = b < 4 ? s[b] & 63 : (s[b + 4] & 15) | (s[b - 4] >> 6) << 4;
    const int minimum = b < 4 ? s[b + 4] & 63 : s[b + 4] >> 4 | (s[b] >> 6) << 4;
    for (int i = 0; i < TK_BLOCK; i++) {
      const uint8_t byte = block[16 + b / 2 * 32 + i];
      out[b * TK_BLOCK + i] = d * (float)scale * (float)(b % 2 ? byte >> 4 : byte & 15) + sign * (dmin * (float)minimum);
    }
  }
}

static void dequantise_q6_k(const uint8_t *block, float *out) {
  const float d = half_at(block + tk_scale_offset(TK_Q6_K));
  for (int i = 0; i < TK_SUPER; i++) {
    const int half = i / 128, quarter = i % 128 / 32, at = i % 32;
    const int low = block[64 * half + quarter % 2 * 32 + at] >> (quarter < 2 ? 0 : 4) & 15;
    const int high = block[128 + 32 * half + at] >> 2 * quarter & 3;
    out[i] = d * (float)(int8_t)block[192 + i / 16] * (float)((low | high << 4) - 32);
  }
}

void tk_dequantise_row(tk_type type, const void *row, int k, float *out) {
  const uint8_t *p = row;
  switch (type) {
  case TK_F32: memcpy(out, row, (size_t)k * 4); break;
  case TK_F16:
    for (int i = 0; i < k; i++) out[i] = half_at(p + 2 * i);
    break;
  case TK_BF16:
    for (int i = 0; i < k; i++) out[i] = tk_bf16_to_float((uint16_t)(p[2 * i] | p[2 * i + 1] << 8));
    break;
  case TK_Q4_0:
    for (int i = 0; i < k; i += TK_BLOCK, p += 18) dequantise_q4_0(p, out + i);
    break;
  case TK_Q8_0:
    for (int i = 0; i < k; i += TK_BLOCK, p += 34) dequantise_q8_0(p, out + i);
    break;
  case TK_Q4_K:
    for (int i = 0; i < k; i += TK_SUPER, p += 144) dequantise_q4_k(p, -1, out + i);
    break;
  case TK_Q6_K:
    for (int i = 0; i < k; i += TK_SUPER, p += 210) dequantise_q6_k(p, out + i);
    break;
  }
}

// To the nearest bf16, halves to even.
static float round_to_bf16(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  memcpy(&x, &bits, 4);
  return x;
}

void tk_round_row(const tk_isa *isa, tk_type type, const float *x, int k, float *out) {
  if (tk_is_in_pairs(isa, type)) {
    for (int i = 0; i < k; i++) out[i] = round_to_bf16(x[i]);
    return;
  }
  if (!tk_is_quantised(type)) {
    memcpy(out, x, (size_t)k * 4);
    return;
  }
  for (int b = 0; b < k; b += TK_BLOCK) {
    int8_t q[TK_BLOCK];
    const float scale = tk_quantise_block(x + b, q);
    for (int i = 0; i < TK_BLOCK; i++) out[b + i] = scale * (float)q[i];
  }
}

void tk_magnitude_row(tk_type type, const void *row, int k, float *out) {
  if (type != TK_Q4_K) tk_dequantise_row(type, row, k, out);
  else
    for (int i = 0; i < k / TK_SUPER; i++) dequantise_q4_k((const uint8_t *)row + 144 * i, 1, out + TK_SUPER * i);
  for (int i = 0; i < k; i++) out[i] = fabsf(out[i]);
}

double tk_dot(const float *x, const float *w, int k) {
  double sum = 0;
  for (int i = 0; i < k; i++) sum += (double)x[i] * (double)w[i];
  return sum;
}

double tk_tolerance(const tk_isa *isa, tk_type type, int k, double magnitude) {
  // Pairs: products and their sum round, and numbers below the smallest normal one count as zero on the way.
  if (tk_is_in_pairs(isa, type)) return (2. * k + 8) * 0x1p-24 * magnitude + (k + 1.) * 0x1p-120;
  // Plain types: one fused multiply-add a weight. Blocks: exact integers, then a conversion, two multiplications and one or two
  // additions a block; the scales of q4_K and q6_K are products themselves, and q6_K has one for each half of a block. x and w of the reference are rounded once more each. The last
  // term lets results vanish below the smallest normal number.
  const double steps = tk_is_quantised(type) ? 2. * k / TK_BLOCK + 8 : k + 1;
  return steps * 0x1p-24 * magnitude + 1e-36;
}
