// The parts of a matrix product y[M][N] = x[M][K] * w[N][K]^T that files of this folder share: weight types, the packed layout of
// weights (layout.c), the packed layout of activations (activations.h), and what one instruction set has to bring (struct tk_isa).
// No function here allocates memory, starts threads or keeps state; product.c puts the parts together.
#ifndef TAKEOFF_KERNEL_H
#define TAKEOFF_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The numbers are ggml's (enum ggml_type), and so are the formats of unpacked weights.
typedef enum {
  TK_F32 = 0,
  TK_F16 = 1,
  TK_Q4_0 = 2,  // 32 weights: f16 scale, 16 bytes of nibbles with an offset of 8
  TK_Q8_0 = 8,  // 32 weights: f16 scale, 32 signed bytes
  TK_Q4_K = 12, // 256 weights: f16 scale of scales and of minima, 12 bytes of 6-bit scales and minima, 128 bytes of nibbles
  TK_Q6_K = 14, // 256 weights: 128 bytes of low nibbles, 64 of two more bits each, 16 signed scales of 16 weights, f16 scale of scales
  TK_BF16 = 30,
} tk_type;

// Weights of a block share a scale; activations are quantised in blocks of the same length.
#define TK_BLOCK 32
// A super-block of q4_K and q6_K.
#define TK_SUPER 256
// The widest tile of any instruction set, for buffers on the stack.
#define TK_MAX_ROWS 16
#define TK_MAX_PANEL 32

static inline bool tk_is_in_supers(tk_type type) { return type == TK_Q4_K || type == TK_Q6_K; }
static inline bool tk_is_quantised(tk_type type) { return type == TK_Q4_0 || type == TK_Q8_0 || tk_is_in_supers(type); }
// Weights that ggml's format keeps together, and their bytes: a block, a super-block or a single value. K is a multiple of the former.
static inline int tk_unit_weights(tk_type type) { return tk_is_in_supers(type) ? TK_SUPER : tk_is_quantised(type) ? TK_BLOCK : 1; }
static inline size_t tk_unit_bytes(tk_type type) {
  switch (type) {
  case TK_Q4_0: return 18;
  case TK_Q8_0: return 34;
  case TK_Q4_K: return 144;
  case TK_Q6_K: return 210;
  case TK_F32: return 4;
  default: return 2;
  }
}
// Where a unit of quantised weights has its scale in f16; q4_K's second one follows it.
static inline size_t tk_scale_offset(tk_type type) { return type == TK_Q6_K ? 208 : 0; }
bool tk_is_type(int type);

struct tk_attention;

// What kernels of one instruction set look like to product.c. A tile is `rows` rows of x times one panel of w.
typedef struct {
  const char *name;
  // Rows of a tile of quantised activations, and of plain ones.
  int rows_quantised, rows_plain;
  // Rows of quantised activations that share one reading of a panel, of which a tile holds several; of plain ones a tile is one.
  int group_quantised;
  // Columns of a panel for each kind of weight.
  int panel_quantised, panel_plain;
  // bf16 weights lie in pairs of neighbouring k (see layout.c), and x is rounded to bf16 for them.
  bool rounds_to_bf16;
  // Writes `rows` rows of x (each x_stride floats after the other) as one packed tile; missing rows that are computed become zeros.
  void (*pack_rows)(tk_type type, const float *x, size_t x_stride, int rows, int k, uint8_t *tile);
  // Computes rows x cols results from a packed tile and a packed panel and stores them y_stride floats apart.
  // The result of a row does not depend on the other rows of its tile.
  void (*multiply)(tk_type type, const uint8_t *tile, const uint8_t *panel, int k, float *y, size_t y_stride, int rows, int cols);
  // See attention.h; NULL where there is none. The second says what workspace a thread needs.
  void (*attend)(const struct tk_attention *a, int kv_head, int first, int last, uint8_t *workspace);
  size_t (*attention_bytes)(const struct tk_attention *a);
} tk_isa;

static inline int tk_rows(const tk_isa *isa, tk_type type) {
  return tk_is_quantised(type) ? isa->rows_quantised : isa->rows_plain;
}
// A product of rows beyond a multiple of this costs nearly as much as one of the next multiple.
static inline int tk_row_group(const tk_isa *isa, tk_type type) {
  return tk_is_quantised(type) ? isa->group_quantised : isa->rows_plain;
}
static inline int tk_panel(const tk_isa *isa, tk_type type) {
  return tk_is_quantised(type) ? isa->panel_quantised : isa->panel_plain;
}

static inline bool tk_is_in_pairs(const tk_isa *isa, tk_type type) { return isa->rounds_to_bf16 && type == TK_BF16; }

// Bytes of one packed panel of weights.
size_t tk_panel_bytes(const tk_isa *isa, tk_type type, int k);
// Bytes of an unpacked row in ggml's format.
size_t tk_row_bytes(tk_type type, int k);
// Reorders n rows of ggml's format into panels, and back. Missing columns of the last panel are zeros.
void tk_pack(const tk_isa *isa, tk_type type, const void *rows, int n, int k, void *packed);
void tk_unpack(const tk_isa *isa, tk_type type, const void *packed, int n, int k, void *rows);

// Conversions of single values, exact.
float tk_half_to_float(uint16_t half);
static inline float tk_bf16_to_float(uint16_t value) {
  union {
    uint32_t bits;
    float number;
  } u = {(uint32_t)value << 16};
  return u.number;
}

#endif
