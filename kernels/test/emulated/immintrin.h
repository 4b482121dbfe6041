// Stands in for the compiler's <immintrin.h> when the kernels for AVX-VNNI are tested on processors without it: the same functions in
// portable C from SIMDe (Debian libsimde-dev).
#ifndef TAKEOFF_EMULATED_IMMINTRIN_H
#define TAKEOFF_EMULATED_IMMINTRIN_H

#define SIMDE_NO_NATIVE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx2.h>
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
#include <simde/x86/fma.h>

#undef _mm256_dpbusd_avx_epi32
#define _mm256_dpbusd_avx_epi32 simde_mm256_dpbusd_epi32

#endif
