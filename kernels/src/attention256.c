// Attention for AVX2 with FMA and F16C.
#include "wide-256.h"

#define TILE 6
#define TK_ATTEND tk_attend_256
#define TK_ATTENTION_BYTES tk_attention_bytes_256

#include <math.h>

typedef __m256 wide;
typedef __m256i lanes;

INLINE wide load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void store(float *p, wide v) { _mm256_storeu_ps(p, v); }
INLINE wide all(float v) { return _mm256_set1_ps(v); }
INLINE wide larger(wide a, wide b) { return _mm256_max_ps(a, b); }
INLINE wide multiply_add(wide a, wide b, wide c) { return _mm256_fmadd_ps(a, b, c); }
INLINE wide load_half(const tk_type type, const uint8_t *p) { return type == TK_F32 ? _mm256_loadu_ps((const float *)p) : halves(p); }

INLINE float largest_of(wide v) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

INLINE lanes load_lanes(const void *p) { return _mm256_loadu_si256(p); }
INLINE lanes no_lanes(void) { return _mm256_setzero_si256(); }
INLINE lanes lanes_of(wide v) { return _mm256_castps_si256(v); }
INLINE wide wide_of(lanes v) { return _mm256_castsi256_ps(v); }
INLINE void store_lanes(void *p, lanes v) { _mm256_storeu_si256(p, v); }
INLINE void store_tile(void *p, lanes v) { _mm256_maskstore_epi32(p, _mm256_setr_epi32(-1, -1, -1, -1, -1, -1, 0, 0), v); }

// Turns 8 registers of a row each into 8 of a column each.
INLINE void transpose(lanes *v) {
  lanes t[8];
  UNROLL
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
    t[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
  }
  UNROLL
  for (int i = 0; i < 8; i += 4) {
    v[i] = _mm256_unpacklo_epi64(t[i], t[i + 2]);
    v[i + 1] = _mm256_unpackhi_epi64(t[i], t[i + 2]);
    v[i + 2] = _mm256_unpacklo_epi64(t[i + 1], t[i + 3]);
    v[i + 3] = _mm256_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  UNROLL
  for (int i = 0; i < 4; i++) {
    t[i] = _mm256_permute2x128_si256(v[i], v[4 + i], 0x20);
    t[4 + i] = _mm256_permute2x128_si256(v[i], v[4 + i], 0x31);
  }
  UNROLL
  for (int i = 0; i < 8; i++) v[i] = t[i];
}

// What is not finite is not even nought times itself.
INLINE bool is_finite(panel_values v) {
  const wide nought = _mm256_setzero_ps(), left = _mm256_mul_ps(v.left, nought), right = _mm256_mul_ps(v.right, nought);
  return _mm256_movemask_ps(_mm256_cmp_ps(left, right, _CMP_EQ_OQ)) == 0xff;
}

INLINE uint32_t seen_cells(const uint8_t *mask, int count) {
  const __m256i hidden = _mm256_set1_epi16((short)0xfc00);
  __m256i bits = hidden;
  if (count == 2 * HALF) bits = _mm256_loadu_si256((const __m256i *)mask);
  else memcpy(&bits, mask, (size_t)count * 2);
  const __m256i are_hidden = _mm256_cmpeq_epi16(bits, hidden);
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(are_hidden), _mm256_extracti128_si256(are_hidden, 1));
  return ~(uint32_t)_mm_movemask_epi8(bytes) & 0xffff;
}

INLINE wide biases(const uint8_t *mask, int count) {
  if (count >= HALF) return mask == NULL ? all(0) : halves(mask);
  uint16_t bits[HALF];
  for (int i = 0; i < HALF; i++) bits[i] = i < count ? 0 : 0xfc00;
  if (mask != NULL && count > 0) memcpy(bits, mask, (size_t)count * 2);
  return halves((const uint8_t *)bits);
}

INLINE wide hide(wide bias, wide score) {
  const wide nothing = all(-INFINITY);
  return _mm256_blendv_ps(score + bias, nothing, _mm256_cmp_ps(bias, nothing, _CMP_EQ_OQ));
}

INLINE wide nearest(wide v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

// 2^n for whole n from -126 on.
INLINE wide power_of_two(__m256i n) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23)); }
INLINE wide scaled(wide v, wide n, wide x) {
  const __m256i whole = _mm256_cvtps_epi32(n), part = _mm256_srai_epi32(whole, 1);
  const wide product = _mm256_mul_ps(_mm256_mul_ps(v, power_of_two(part)), power_of_two(_mm256_sub_epi32(whole, part)));
  return _mm256_and_ps(product, _mm256_cmp_ps(x, all(-104), _CMP_NLT_UQ));
}

#include "attention-tiles.h"
