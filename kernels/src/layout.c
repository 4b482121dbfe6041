// The packed layout of weights, made for kernels that multiply one tile of x by a panel of neighbouring columns.
//
// A panel holds P columns (rows of w), where P is the instruction set's; panels follow each other. Inside a panel, k runs slowest:
//   q4_0   a block of 32: four groups of P times 4 bytes; byte i of group g and column c holds the weights k = 4g + i (low nibble) and
//          k = 4g + i + 16 (high nibble). Behind them P scales in f16. 18 bytes a column, as in the source.
//   q8_0   a block of 32: eight groups of P times 4 signed bytes. Behind them P scales in f16. 34 bytes a column, as in the source.
//   q4_K   a super-block of 256: P scales d, P scales dmin in f16; then for each of its 8 blocks P scales and P minima of 6 bits in a
//          byte each and four groups as in q4_0, without an offset. 148 bytes a column, 2.8 % more than the source.
//   q6_K   a super-block of 256: P scales of scales in f16; then for each of its 8 blocks P signed scales of its first 16 weights, P of
//          the others, four groups as in q4_0 with the low 4 bits, and two groups of P times 4 bytes with the high 2 bits: byte i of
//          group h holds, from its low bits on, k = 8h + i, 8h + i + 16, 8h + i + 4 and 8h + i + 20. 210 bytes, as in the source.
//   bf16   for each k, P values; column c stands at 2c for the first half of the panel and at 2c + 1 - P for the second, so that
//          a shift and a mask widen one register to two.
//   bf16 in pairs (rounds_to_bf16)  for each two k, P pairs in order; an odd last k is followed by zeros.
//   f16, f32  for each k, P values in order.
#include "inline.h"
#include "kernel.h"

#include <string.h>

bool tk_is_type(int type) { return type == TK_F32 || type == TK_F16 || type == TK_BF16 || tk_is_quantised((tk_type)type); }

float tk_half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = (half >> 10) & 31u, fraction = half & 0x3ffu;
  union {
    uint32_t bits;
    float number;
  } u;
  if (exponent == 0) {
    u.number = (float)fraction * 0x1p-24f;
    u.bits |= sign;
  } else if (exponent == 31) {
    u.bits = sign | 0x7f800000u | fraction << 13;
  } else {
    u.bits = sign | (exponent + 112) << 23 | fraction << 13;
  }
  return u.number;
}

// Bytes of one column over one unit.
INLINE size_t packed_unit(tk_type type) { return type == TK_Q4_K ? 148 : tk_unit_bytes(type); }

size_t tk_row_bytes(tk_type type, int k) { return (size_t)(k / tk_unit_weights(type)) * tk_unit_bytes(type); }

size_t tk_panel_bytes(const tk_isa *isa, tk_type type, int k) {
  if (tk_is_in_pairs(isa, type)) k = (k + 1) / 2 * 2;
  return (size_t)(k / tk_unit_weights(type)) * packed_unit(type) * (size_t)tk_panel(isa, type);
}

typedef struct {
  uint8_t *packed; // the unit of the whole panel
  int columns, column;
  bool unpacks;
} place;

// Everything below is inlined where type and direction are constants, or loading a model would take half as long again.

INLINE void move(place p, uint8_t *at, uint8_t *source, size_t bytes) {
  if (p.unpacks) memcpy(source, at, bytes);
  else memcpy(at, source, bytes);
}

// Nibbles of 32 weights: `source` holds 16 bytes in q4_0's order.
INLINE void move_nibbles(place p, uint8_t *at, uint8_t *source) {
  for (int group = 0; group < 4; group++) move(p, at + (group * p.columns + p.column) * 4, source + group * 4, 4);
}

INLINE void move_q4_0(place p, uint8_t *source) {
  move_nibbles(p, p.packed, source + 2);
  move(p, p.packed + 16 * p.columns + 2 * p.column, source, 2);
}

INLINE void move_q8_0(place p, uint8_t *source) {
  for (int group = 0; group < 8; group++)
    move(p, p.packed + (group * p.columns + p.column) * 4, source + 2 + group * 4, 4);
  move(p, p.packed + 32 * p.columns + 2 * p.column, source, 2);
}

// The twelve bytes of q4_K: scales and minima of blocks 0 to 3 in the low six bits of bytes 0 to 3 and 4 to 7; those of blocks 4 to 7
// have their low four bits in bytes 8 to 11 (scale low, minimum high) and their high two bits on top of the first eight bytes.
static void read_scales(const uint8_t *s, uint8_t *scale, uint8_t *minimum) {
  for (int b = 0; b < 4; b++) {
    scale[b] = s[b] & 63;
    minimum[b] = s[b + 4] & 63;
    scale[b + 4] = (uint8_t)((s[b + 8] & 15) | (s[b] >> 6) << 4);
    minimum[b + 4] = (uint8_t)(s[b + 8] >> 4 | (s[b + 4] >> 6) << 4);
  }
}
static void write_scales(uint8_t *s, const uint8_t *scale, const uint8_t *minimum) {
  for (int b = 0; b < 4; b++) {
    s[b] = (uint8_t)(scale[b] | (scale[b + 4] >> 4) << 6);
    s[b + 4] = (uint8_t)(minimum[b] | (minimum[b + 4] >> 4) << 6);
    s[b + 8] = (uint8_t)((scale[b + 4] & 15) | (minimum[b + 4] & 15) << 4);
  }
}

// q4_K keeps block 2i in the low nibbles of 32 bytes and block 2i + 1 in the high ones; q4_0's order has k and k + 16 in a byte.
static void split_pair(const uint8_t *pair, uint8_t *even, uint8_t *odd) {
  for (int i = 0; i < 16; i++) {
    even[i] = (uint8_t)((pair[i] & 15) | (pair[i + 16] & 15) << 4);
    odd[i] = (uint8_t)(pair[i] >> 4 | (pair[i + 16] >> 4) << 4);
  }
}
static void join_pair(uint8_t *pair, const uint8_t *even, const uint8_t *odd) {
  for (int i = 0; i < 16; i++) {
    pair[i] = (uint8_t)((even[i] & 15) | (odd[i] & 15) << 4);
    pair[i + 16] = (uint8_t)(even[i] >> 4 | (odd[i] >> 4) << 4);
  }
}

INLINE void move_q4_k(place p, uint8_t *source) {
  uint8_t scale[8], minimum[8], nibbles[8][16];
  if (!p.unpacks) {
    read_scales(source + 4, scale, minimum);
    for (int pair = 0; pair < 4; pair++) split_pair(source + 16 + 32 * pair, nibbles[2 * pair], nibbles[2 * pair + 1]);
  }
  move(p, p.packed + 2 * p.column, source, 2);
  move(p, p.packed + 2 * p.columns + 2 * p.column, source + 2, 2);
  for (int b = 0; b < 8; b++) {
    uint8_t *block = p.packed + 4 * p.columns + b * 18 * p.columns;
    move(p, block + p.column, &scale[b], 1);
    move(p, block + p.columns + p.column, &minimum[b], 1);
    move_nibbles(p, block + 2 * p.columns, nibbles[b]);
  }
  if (p.unpacks) {
    write_scales(source + 4, scale, minimum);
    for (int pair = 0; pair < 4; pair++) join_pair(source + 16 + 32 * pair, nibbles[2 * pair], nibbles[2 * pair + 1]);
  }
}

// q6_K keeps a value's low nibble and its two high bits apart: of each 128 values, four lie 32 apart around one byte of high bits.
static void read_sixes(const uint8_t *source, uint8_t *values) {
  for (int i = 0; i < TK_SUPER; i++) {
    const int half = i / 128, quarter = i % 128 / 32, at = i % 32;
    const uint8_t low = source[64 * half + quarter % 2 * 32 + at], high = source[128 + 32 * half + at];
    values[i] = (uint8_t)((quarter < 2 ? low & 15 : low >> 4) | (high >> 2 * quarter & 3) << 4);
  }
}
static void write_sixes(uint8_t *source, const uint8_t *values) {
  memset(source, 0, 192);
  for (int i = 0; i < TK_SUPER; i++) {
    const int half = i / 128, quarter = i % 128 / 32, at = i % 32;
    source[64 * half + quarter % 2 * 32 + at] |= (uint8_t)((values[i] & 15) << (quarter < 2 ? 0 : 4));
    source[128 + 32 * half + at] |= (uint8_t)(values[i] >> 4 << 2 * quarter);
  }
}

// The order of the values in a byte of high bits.
static const int HIGH_ORDER[4] = {0, 16, 4, 20};

static void split_sixes(const uint8_t *values, uint8_t *nibbles, uint8_t *high) {
  for (int i = 0; i < 16; i++) nibbles[i] = (uint8_t)((values[i] & 15) | (values[i + 16] & 15) << 4);
  for (int i = 0; i < 8; i++) {
    high[i] = 0;
    for (int j = 0; j < 4; j++) high[i] |= (uint8_t)(values[i / 4 * 8 + i % 4 + HIGH_ORDER[j]] >> 4 << 2 * j);
  }
}
static void join_sixes(uint8_t *values, const uint8_t *nibbles, const uint8_t *high) {
  for (int i = 0; i < 16; i++) {
    values[i] = nibbles[i] & 15;
    values[i + 16] = nibbles[i] >> 4;
  }
  for (int i = 0; i < 8; i++)
    for (int j = 0; j < 4; j++) values[i / 4 * 8 + i % 4 + HIGH_ORDER[j]] |= (uint8_t)((high[i] >> 2 * j & 3) << 4);
}

INLINE void move_q6_k(place p, uint8_t *source) {
  uint8_t values[TK_SUPER], nibbles[16], high[8];
  if (!p.unpacks) read_sixes(source, values);
  move(p, p.packed + 2 * p.column, source + 208, 2);
  for (int b = 0; b < 8; b++) {
    uint8_t *block = p.packed + 2 * p.columns + b * 26 * p.columns;
    if (!p.unpacks) split_sixes(values + b * TK_BLOCK, nibbles, high);
    for (int half = 0; half < 2; half++) move(p, block + half * p.columns + p.column, source + 192 + 2 * b + half, 1);
    move_nibbles(p, block + 2 * p.columns, nibbles);
    for (int h = 0; h < 2; h++) move(p, block + 18 * p.columns + (h * p.columns + p.column) * 4, high + 4 * h, 4);
    if (p.unpacks) join_sixes(values + b * TK_BLOCK, nibbles, high);
  }
  if (p.unpacks) write_sixes(source, values);
}

INLINE void move_value(place p, tk_type type, uint8_t *source) {
  const int half = p.columns / 2;
  const int slot = type != TK_BF16 ? p.column : p.column < half ? 2 * p.column : 2 * (p.column - half) + 1;
  move(p, p.packed + (size_t)slot * tk_unit_bytes(type), source, tk_unit_bytes(type));
}

// p.packed is the pair's, `is_second` which of its values this is.
INLINE void move_half_pair(place p, int is_second, uint8_t *source) { move(p, p.packed + 4 * p.column + 2 * is_second, source, 2); }

INLINE void move_unit(place p, tk_type type, uint8_t *source) {
  if (type == TK_Q4_0) move_q4_0(p, source);
  else if (type == TK_Q8_0) move_q8_0(p, source);
  else if (type == TK_Q4_K) move_q4_k(p, source);
  else if (type == TK_Q6_K) move_q6_k(p, source);
  else move_value(p, type, source);
}

INLINE void move_panel(const tk_type type, const bool in_pairs, const bool unpacks, int width, int columns, int units, uint8_t *rows,
                       size_t row_bytes, uint8_t *panel) {
  // Single values are moved by lines of a column, so that a line of the source is read once.
  const int step = tk_is_quantised(type) ? 1 : 32;
  for (int first = 0; first < units; first += step)
    for (int column = 0; column < columns; column++)
      for (int u = first; u < units && u < first + step; u++) {
        const int is_second = in_pairs ? u % 2 : 0;
        const place p = {panel + (size_t)(u - is_second) * packed_unit(type) * (size_t)width, width, column, unpacks};
        uint8_t *source = rows + (size_t)column * row_bytes + (size_t)u * tk_unit_bytes(type);
        if (in_pairs) move_half_pair(p, is_second, source);
        else move_unit(p, type, source);
      }
}

INLINE void move_panels(const tk_type type, const bool in_pairs, const bool unpacks, const tk_isa *isa, uint8_t *rows, int n, int k,
                        uint8_t *packed) {
  const int units = k / tk_unit_weights(type), width = tk_panel(isa, type);
  const size_t row_bytes = tk_row_bytes(type, k), panel_bytes = tk_panel_bytes(isa, type, k);
  for (int first = 0; first < n; first += width, packed += panel_bytes) {
    const int columns = n - first < width ? n - first : width;
    if (!unpacks && (columns < width || (in_pairs && units % 2 != 0))) memset(packed, 0, panel_bytes);
    move_panel(type, in_pairs, unpacks, width, columns, units, rows + (size_t)first * row_bytes, row_bytes, packed);
  }
}

INLINE void move_rows(const bool unpacks, const tk_isa *isa, tk_type type, uint8_t *rows, int n, int k, uint8_t *packed) {
  switch (type) {
  case TK_Q4_0: move_panels(TK_Q4_0, false, unpacks, isa, rows, n, k, packed); break;
  case TK_Q8_0: move_panels(TK_Q8_0, false, unpacks, isa, rows, n, k, packed); break;
  case TK_Q4_K: move_panels(TK_Q4_K, false, unpacks, isa, rows, n, k, packed); break;
  case TK_Q6_K: move_panels(TK_Q6_K, false, unpacks, isa, rows, n, k, packed); break;
  case TK_F16: move_panels(TK_F16, false, unpacks, isa, rows, n, k, packed); break;
  case TK_BF16:
    if (isa->rounds_to_bf16) move_panels(TK_BF16, true, unpacks, isa, rows, n, k, packed);
    else move_panels(TK_BF16, false, unpacks, isa, rows, n, k, packed);
    break;
  case TK_F32: move_panels(TK_F32, false, unpacks, isa, rows, n, k, packed); break;
  }
}

void tk_pack(const tk_isa *isa, tk_type type, const void *rows, int n, int k, void *packed) {
  move_rows(false, isa, type, (uint8_t *)(uintptr_t)rows, n, k, packed);
}

void tk_unpack(const tk_isa *isa, tk_type type, const void *packed, int n, int k, void *rows) {
  move_rows(true, isa, type, rows, n, k, (uint8_t *)(uintptr_t)packed);
}
