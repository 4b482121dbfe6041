// What one thread of this processor can do at most, for `npm run bench -- kernels` to compare products with: multiply-add instructions
// on registers alone, and reading memory. Whoever calls takes the time, on as many threads as are of interest.
// Functions are compiled for their instructions one by one, because this file has some of every instruction set.
#include "limits.h"
#include "product.h"

// Independent sums, so that none waits for the one before it; they and two operands fit into the registers.
#if defined(__aarch64__)
#define SUMS 24
#else
#define SUMS 12
#endif

// Read anew each time, so that no compiler knows the operands.
static volatile const int zero;

// A function that multiplies and adds `rounds` times SUMS vectors, and keeps the sums, so that they have to be computed.
#define LOOP(NAME, TARGET, VECTOR, SET, ADD)                                 \
  __attribute__((target(TARGET))) static void NAME(uint64_t rounds) {        \
    VECTOR sum[SUMS], a = SET, b = SET;                                      \
    volatile VECTOR kept;                                                    \
    for (int i = 0; i < SUMS; i++) sum[i] = SET;                             \
    for (uint64_t round = 0; round < rounds; round++)                        \
      _Pragma("GCC unroll 24") for (int i = 0; i < SUMS; i++) { ADD; }       \
    for (int i = 0; i < SUMS; i++) kept = sum[i];                            \
    (void)kept;                                                              \
  }

// Operations of one instruction or group of instructions, a multiplication and an addition being two.
typedef struct {
  const tk_isa *isa;
  tk_limit limit;
  int operations;
  void (*loop)(uint64_t rounds);
} way;

#if defined(__x86_64__)
#include <immintrin.h>

extern const tk_isa tk_avx2, tk_avxvnni, tk_avx512, tk_avx512bf16;

// Clang tells the instructions from the width of their registers, GCC does not.
#if defined(__clang__)
#define WIDE "avx512f,evex512"
#else
#define WIDE "avx512f"
#endif

LOOP(int8_512, WIDE ",avx512vnni", __m512i, _mm512_set1_epi32(zero), sum[i] = _mm512_dpbusd_epi32(sum[i], a, b))
LOOP(bf16_512, WIDE ",avx512bf16", __m512i, _mm512_set1_epi32(zero),
     sum[i] = (__m512i)_mm512_dpbf16_ps((__m512)sum[i], (__m512bh)a, (__m512bh)b))
LOOP(f32_512, WIDE, __m512, _mm512_set1_ps((float)zero), sum[i] = _mm512_fmadd_ps(a, b, sum[i]))
LOOP(int8_256, "avx2,avxvnni", __m256i, _mm256_set1_epi32(zero), sum[i] = _mm256_dpbusd_avx_epi32(sum[i], a, b))
// Sums of two products in 16 bits, which is how nibbles are multiplied. Without the empty assembly they would be computed once.
LOOP(int8_avx2, "avx2", __m256i, _mm256_set1_epi32(zero), __asm__ volatile("" : "+x"(a)); sum[i] = _mm256_add_epi16(sum[i], _mm256_maddubs_epi16(a, b)))
LOOP(f32_256, "avx2,fma", __m256, _mm256_set1_ps((float)zero), sum[i] = _mm256_fmadd_ps(a, b, sum[i]))

static const way ways[] = {
    {&tk_avx512, TK_LIMIT_INT8, 128, int8_512}, {&tk_avxvnni, TK_LIMIT_INT8, 64, int8_256}, {&tk_avx2, TK_LIMIT_INT8, 64, int8_avx2},
    {&tk_avx512bf16, TK_LIMIT_BF16, 64, bf16_512}, {&tk_avx512, TK_LIMIT_F32, 32, f32_512}, {&tk_avx2, TK_LIMIT_F32, 16, f32_256},
};

#elif defined(__aarch64__)
#include <arm_neon.h>

extern const tk_isa tk_dotprod, tk_i8mm;

LOOP(int8_i8mm, "i8mm", int8x16_t, vdupq_n_s8((int8_t)zero),
     sum[i] = vreinterpretq_s8_s32(vmmlaq_s32(vreinterpretq_s32_s8(sum[i]), a, b)))
LOOP(int8_dotprod, "dotprod", int8x16_t, vdupq_n_s8((int8_t)zero),
     sum[i] = vreinterpretq_s8_s32(vdotq_s32(vreinterpretq_s32_s8(sum[i]), a, b)))
LOOP(f32_neon, "neon", float32x4_t, vdupq_n_f32((float)zero), sum[i] = vfmaq_f32(sum[i], a, b))

static const way ways[] = {
    {&tk_i8mm, TK_LIMIT_INT8, 64, int8_i8mm}, {&tk_dotprod, TK_LIMIT_INT8, 32, int8_dotprod}, {&tk_dotprod, TK_LIMIT_F32, 8, f32_neon},
};
#endif

double tk_limit_operations(int limit, uint64_t rounds) {
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
    if ((int)ways[i].limit == limit && tk_isa_runs_here(ways[i].isa)) {
      ways[i].loop(rounds);
      return (double)rounds * SUMS * ways[i].operations;
    }
  return 0;
}

// Streams that are read side by side: one alone is bound by how far the processor looks ahead.
#define STREAMS 4
#define AHEAD 2048

uint64_t tk_limit_read(const uint64_t *memory, size_t bytes) {
  const size_t words = bytes / sizeof *memory / STREAMS;
  uint64_t sum[8] = {0};
  for (size_t i = 0; i + 8 <= words; i += 8)
    for (int s = 0; s < STREAMS; s++) {
      const uint64_t *line = memory + (size_t)s * words + i;
      __builtin_prefetch((const void *)((uintptr_t)line + AHEAD));
      for (int j = 0; j < 8; j++) sum[j] ^= line[j];
    }
  for (int j = 1; j < 8; j++) sum[0] ^= sum[j];
  return sum[0];
}
