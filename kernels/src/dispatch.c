// Which instruction sets this build has, and which of them this processor and its operating system allow.
#include "product.h"

#include <string.h>

extern const tk_isa tk_avx2, tk_avxvnni, tk_avx512, tk_avx512bf16, tk_dotprod, tk_i8mm;

#if defined(__x86_64__)
#include <cpuid.h>

static const tk_isa *const available[] = {&tk_avx512bf16, &tk_avx512, &tk_avxvnni, &tk_avx2};

// Registers that the operating system saves (XCR0): bits 1 and 2 for 256 bits, 5 to 7 more for 512.
static uint32_t saved_registers(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool tk_isa_runs_here(const tk_isa *isa) {
  uint32_t a, b, c, d, b7, c7, d7, a71;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  const uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29, needed = fma | osxsave | avx | f16c;
  if ((c & needed) != needed || (saved_registers() & 6) != 6) return false;
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d7) || !(b7 & 1u << 5)) return false;
  if (isa == &tk_avx2) return true;
  if (!__get_cpuid_count(7, 1, &a71, &b, &c, &d)) a71 = 0;
  if (isa == &tk_avxvnni) return a71 & 1u << 4;
  if (isa == &tk_avx512bf16) return (a71 & 1u << 5) && tk_isa_runs_here(&tk_avx512);
  const uint32_t foundation = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31, wide = foundation | dq | bw | vl;
  return isa == &tk_avx512 && (b7 & wide) == wide && (c7 & 1u << 11) && (saved_registers() & 0xe6) == 0xe6;
}

// Ticks of a small product with bf16 weights; the least of some, because anything else may run in between.
static uint64_t shortest_time(const tk_isa *isa) {
  enum { K_VALUES = 256, TRIES = 32 };
  static const uint8_t tile[K_VALUES * TK_MAX_ROWS * 4], panel[K_VALUES * TK_MAX_PANEL * 2];
  float y[TK_MAX_ROWS * TK_MAX_PANEL];
  uint64_t shortest = UINT64_MAX;
  for (int i = 0; i < TRIES; i++) {
    const uint64_t start = __builtin_ia32_rdtsc();
    isa->multiply(TK_BF16, tile, panel, K_VALUES, y, TK_MAX_PANEL, isa->rows_plain, isa->panel_plain);
    const uint64_t time = __builtin_ia32_rdtsc() - start;
    shortest = time < shortest ? time : shortest;
  }
  return shortest;
}

// Whether an instruction set is chosen without being named. vdpbf16ps takes twice the time of an addition in f32 on some processors and
// half on others (for the same products), and exact products are the better ones where they are not slower.
static bool is_worthwhile(const tk_isa *isa) {
  return isa != &tk_avx512bf16 || 5 * shortest_time(&tk_avx512bf16) < 4 * shortest_time(&tk_avx512);
}

#elif defined(__aarch64__)

static bool is_worthwhile(const tk_isa *isa) { return isa != NULL; }

static const tk_isa *const available[] = {&tk_i8mm, &tk_dotprod};

#if defined(__linux__)
#include <sys/auxv.h>
bool tk_isa_runs_here(const tk_isa *isa) {
  const bool has_dotprod = getauxval(AT_HWCAP) & 1ul << 20, has_i8mm = getauxval(AT_HWCAP2) & 1ul << 13;
  return isa == &tk_dotprod ? has_dotprod : isa == &tk_i8mm && has_dotprod && has_i8mm;
}
#elif defined(__APPLE__)
#include <sys/sysctl.h>
static bool has(const char *name) {
  int value = 0;
  size_t bytes = sizeof value;
  return sysctlbyname(name, &value, &bytes, NULL, 0) == 0 && value != 0;
}
bool tk_isa_runs_here(const tk_isa *isa) {
  const bool has_dotprod = has("hw.optional.arm.FEAT_DotProd");
  return isa == &tk_dotprod ? has_dotprod : isa == &tk_i8mm && has_dotprod && has("hw.optional.arm.FEAT_I8MM");
}
#endif

#endif

int tk_isa_count(void) { return (int)(sizeof available / sizeof *available); }
const tk_isa *tk_isa_at(int index) { return available[index]; }

const tk_isa *tk_choose_isa(const char *wanted) {
  for (int i = 0; i < tk_isa_count(); i++)
    if (tk_isa_runs_here(available[i]) && (wanted == NULL ? is_worthwhile(available[i]) : strcmp(wanted, available[i]->name) == 0))
      return available[i];
  return NULL;
}
