// Attention for AVX-512.
#include "wide-512.h"

#define TILE 12
#define TK_ATTEND tk_attend_512
#define TK_ATTENTION_BYTES tk_attention_bytes_512

#include <math.h>

typedef __m512 wide;
typedef __m512i lanes;

INLINE wide load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void store(float *p, wide v) { _mm512_storeu_ps(p, v); }
INLINE wide all(float v) { return _mm512_set1_ps(v); }
INLINE wide larger(wide a, wide b) { return _mm512_max_ps(a, b); }
INLINE wide multiply_add(wide a, wide b, wide c) { return _mm512_fmadd_ps(a, b, c); }
INLINE float largest_of(wide v) { return _mm512_reduce_max_ps(v); }
INLINE wide load_half(const tk_type type, const uint8_t *p) { return type == TK_F32 ? _mm512_loadu_ps(p) : halves(p); }

INLINE lanes load_lanes(const void *p) { return _mm512_loadu_si512(p); }
INLINE lanes no_lanes(void) { return _mm512_setzero_si512(); }
INLINE lanes lanes_of(wide v) { return _mm512_castps_si512(v); }
INLINE wide wide_of(lanes v) { return _mm512_castsi512_ps(v); }
INLINE void store_lanes(void *p, lanes v) { _mm512_storeu_si512(p, v); }
INLINE void store_tile(void *p, lanes v) { _mm512_mask_storeu_epi32(p, (1u << TILE) - 1, v); }

INLINE bool is_finite(panel_values v) { return (_mm512_fpclass_ps_mask(v.left, 0x99) | _mm512_fpclass_ps_mask(v.right, 0x99)) == 0; }

INLINE uint32_t first_lanes(int count) { return count >= 32 ? 0xffffffffu : count <= 0 ? 0 : (1u << count) - 1; }

INLINE uint32_t seen_cells(const uint8_t *mask, int count) {
  const __mmask32 exists = first_lanes(count);
  return _mm512_mask_cmpneq_epi16_mask(exists, _mm512_maskz_loadu_epi16(exists, mask), _mm512_set1_epi16((short)0xfc00));
}

INLINE wide biases(const uint8_t *mask, int count) {
  const __mmask16 exists = (__mmask16)first_lanes(count);
  wide bias = _mm512_setzero_ps();
  if (mask != NULL) bias = _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(exists, mask));
  return _mm512_mask_mov_ps(_mm512_set1_ps(-INFINITY), exists, bias);
}

INLINE wide hide(wide bias, wide score) {
  const wide nothing = _mm512_set1_ps(-INFINITY);
  return _mm512_mask_add_ps(nothing, _mm512_cmp_ps_mask(bias, nothing, _CMP_NEQ_UQ), score, bias);
}

INLINE wide nearest(wide v) { return _mm512_roundscale_ps(v, 8); }
INLINE wide scaled(wide v, wide n, wide x) { return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, all(-104), _CMP_NLT_UQ), v, n); }

#include "attention-tiles.h"
