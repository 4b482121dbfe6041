// Stands in for the compiler's <immintrin.h> when kernels for AVX-512 and AVX-VNNI are tested on processors without them: the same
// functions in portable C from SIMDe (Debian libsimde-dev), and the few that SIMDe 0.7.4 does not have.
#ifndef TAKEOFF_EMULATED_IMMINTRIN_H
#define TAKEOFF_EMULATED_IMMINTRIN_H

// Kernels leave out what is written as instructions.
#define TK_EMULATED

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

static inline simde__m512 emulated_cvtph_ps(simde__m256i halves) {
  return simde_mm512_insertf32x8(simde_mm512_castps256_ps512(simde_mm256_cvtph_ps(simde_mm256_castsi256_si128(halves))),
                                 simde_mm256_cvtph_ps(simde_mm256_extracti128_si256(halves, 1)), 1);
}
#undef _mm512_cvtph_ps
#define _mm512_cvtph_ps emulated_cvtph_ps

// Value by value, for conversions and stores that are no hot path of a test.
static inline simde__m512 emulated_cvtepi32_ps(simde__m512i integers) {
  int32_t from[16];
  float to[16];
  simde_mm512_storeu_si512(from, integers);
  for (int i = 0; i < 16; i++) to[i] = (float)from[i];
  return simde_mm512_loadu_ps(to);
}
static inline simde__m512i emulated_cvtepu8_epi32(simde__m128i bytes) {
  uint8_t from[16];
  int32_t to[16];
  simde_mm_storeu_si128(from, bytes);
  for (int i = 0; i < 16; i++) to[i] = from[i];
  return simde_mm512_loadu_si512(to);
}
static inline void emulated_mask_storeu_ps(float *to, simde__mmask16 mask, simde__m512 values) {
  float all[16];
  simde_mm512_storeu_ps(all, values);
  for (int i = 0; i < 16; i++)
    if (mask >> i & 1) to[i] = all[i];
}
#define __mmask16 simde__mmask16
#define _mm512_cvtepi32_ps emulated_cvtepi32_ps
#define _mm512_cvtepu8_epi32 emulated_cvtepu8_epi32
#define _mm512_mask_storeu_ps emulated_mask_storeu_ps

#undef _mm256_dpbusd_avx_epi32
#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32

#endif
