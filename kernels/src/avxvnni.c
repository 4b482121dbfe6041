// Products for AVX-VNNI on top of AVX2: processors with vpdpbusd in 256 bits and without AVX-512. The instruction multiplies unsigned
// by signed bytes and adds four products in 32 bits.
#define TK_ISA_NAME "avxvnni"
#define TK_ISA_SYMBOL tk_avxvnni
#define TK_Q4_CORRECTION TK_MINUS_8
#define TK_Q8_CORRECTION TK_MINUS_128

#include "inline.h"

#include <immintrin.h>

INLINE __m256i dot_unsigned(__m256i sum, __m256i w, __m256i a) {
  return _mm256_dpbusd_avx_epi32(sum, w, a);
}
INLINE __m256i dot_nibbles(__m256i sum, __m256i w, __m256i a) { return dot_unsigned(sum, w, a); }
INLINE __m256i finish_nibbles(__m256i sum) { return sum; }
// Signed weights become unsigned by an offset of 128, which the correction takes off again.
INLINE __m256i dot_bytes(__m256i sum, __m256i w, __m256i a) {
  return dot_unsigned(sum, _mm256_xor_si256(w, _mm256_set1_epi8((char)0x80)), a);
}

#include "x86-256.h"
