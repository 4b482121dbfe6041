// Which instruction sets this build has, and which of them this processor and its operating system allow.
#include "product.h"

#include <string.h>

extern const tk_isa tk_avx2, tk_avxvnni, tk_avx512, tk_dotprod, tk_i8mm;

#if defined(__x86_64__)
#include <cpuid.h>

static const tk_isa *const available[] = {&tk_avx512, &tk_avxvnni, &tk_avx2};

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
  if (isa == &tk_avxvnni) return __get_cpuid_count(7, 1, &a71, &b, &c, &d) && (a71 & 1u << 4);
  const uint32_t foundation = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31, wide = foundation | dq | bw | vl;
  return isa == &tk_avx512 && (b7 & wide) == wide && (c7 & 1u << 11) && (saved_registers() & 0xe6) == 0xe6;
}

#elif defined(__aarch64__)

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
    if ((wanted == NULL || strcmp(wanted, available[i]->name) == 0) && tk_isa_runs_here(available[i])) return available[i];
  return NULL;
}
