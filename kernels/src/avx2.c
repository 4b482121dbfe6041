// Products for AVX2 with FMA and F16C. There is no instruction for four products of bytes here: vpmaddubsw adds two of them in 16 bits.
#define TK_ISA_NAME "avx2"
#define TK_ISA_SYMBOL tk_avx2
#define TK_Q4_CORRECTION TK_MINUS_8_IN_HALVES
#define TK_Q8_CORRECTION TK_NO_CORRECTION

#include "inline.h"

#include <immintrin.h>

// Sums of nibbles times bytes stay in 16 bits over a whole block: a lane gets 16 products. Without an offset they reach 16 * 15 * 127
// = 30,480; with the offset taken off 16 * 8 * 127 = 16,256, where additions may wrap on the way.
INLINE __m256i dot_nibbles(__m256i sum, __m256i w, __m256i a) {
  return _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, a));
}
INLINE __m256i finish_nibbles(__m256i sum) {
  return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}
// Two products of unsigned bytes up to 128 reach 2 * 128 * 127 = 32,512.
INLINE __m256i dot_unsigned(__m256i sum, __m256i w, __m256i a) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(w, a), _mm256_set1_epi16(1)));
}
// Magnitudes of weights times x with the weights' signs.
INLINE __m256i dot_bytes(__m256i sum, __m256i w, __m256i a) {
  return dot_unsigned(sum, _mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
}

#include "x86-256.h"
