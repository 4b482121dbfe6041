// The check that runs each time kernels are loaded: whatever a compiler, a processor or an emulator does wrong with an instruction set
// that could not be run where the library was built, shows in a small product.
#include "attention.h"
#include "product.h"
#include "reference.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS (2 * TK_MAX_ROWS + 3)
#define COLUMNS (TK_MAX_PANEL + 5)
#define K (2 * TK_SUPER)

static uint32_t next_random(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }

// Any bytes are nibbles and scales; what may not be any bytes are f16 and f32 numbers, which could be infinite.
static void fill_weights(tk_type type, uint8_t *rows, uint32_t *state) {
  const size_t bytes = COLUMNS * tk_row_bytes(type, K), scale = tk_scale_offset(type);
  for (size_t i = 0; i < bytes; i++) rows[i] = (uint8_t)(next_random(state) >> 24);
  if (type == TK_F32)
    for (size_t i = 3; i < bytes; i += 4) rows[i] = (uint8_t)((rows[i] & 0x80) | 0x3e);
  else if (!tk_is_quantised(type))
    for (size_t i = 1; i < bytes; i += 2) rows[i] = (uint8_t)((rows[i] & 0x80) | (type == TK_F16 ? 0x34 | (rows[i] & 7) : 0x3e));
  else
    for (size_t i = 0; i < bytes; i += tk_unit_bytes(type)) {
      rows[i + scale + 1] = (uint8_t)((rows[i + scale + 1] & 0x83) | 0x20);
      if (type == TK_Q4_K) rows[i + 3] = (uint8_t)((rows[i + 3] & 0x83) | 0x20);
    }
}

typedef struct {
  float x[ROWS * K], y[ROWS * COLUMNS], rounded[K], weights[K], magnitudes[K];
} numbers;

static bool agrees(const tk_isa *isa, tk_type type, const uint8_t *rows, numbers *n) {
  for (int m = 0; m < ROWS; m++) {
    tk_round_row(isa, type, n->x + m * K, K, n->rounded);
    for (int column = 0; column < COLUMNS; column++) {
      const uint8_t *row = rows + (size_t)column * tk_row_bytes(type, K);
      double magnitude = 0;
      tk_dequantise_row(type, row, K, n->weights);
      tk_magnitude_row(type, row, K, n->magnitudes);
      for (int i = 0; i < K; i++) magnitude += fabs((double)n->rounded[i]) * (double)n->magnitudes[i];
      const double error = fabs(tk_dot(n->rounded, n->weights, K) - (double)n->y[m * COLUMNS + column]);
      if (!(error <= tk_tolerance(isa, type, K, magnitude))) return false;
    }
  }
  return true;
}

bool tk_self_test(const tk_isa *isa, tk_type type) {
  const int panel = tk_panel(isa, type);
  const size_t packed_bytes = tk_panel_bytes(isa, type, K) * (size_t)((COLUMNS + panel - 1) / panel);
  uint8_t *rows = malloc(COLUMNS * tk_row_bytes(type, K)), *packed = malloc(packed_bytes);
  uint8_t *workspace = malloc(tk_workspace_bytes(isa, type, ROWS, K));
  numbers *n = malloc(sizeof *n);
  bool is_right = false;
  if (rows != NULL && packed != NULL && workspace != NULL && n != NULL) {
    uint32_t state = 7;
    fill_weights(type, rows, &state);
    for (int i = 0; i < ROWS * K; i++) n->x[i] = (float)(int32_t)next_random(&state) * 0x1p-31f;
    tk_pack(isa, type, rows, COLUMNS, K, packed);
    tk_product p = {.isa = isa, .type = type, .m = ROWS, .n = COLUMNS, .k = K, .x = n->x, .x_stride = K, .w = packed,
                    .y = n->y, .y_stride = COLUMNS, .workspace = workspace, .threads = 1};
    tk_product_start(&p);
    tk_product_run(&p);
    is_right = agrees(isa, type, rows, n);
  }
  free(rows);
  free(packed);
  free(workspace);
  free(n);
  return is_right;
}

#define HEADS 2
#define WIDTH 64
#define CELLS 40
#define QUERIES 14

typedef struct {
  float q[QUERIES * HEADS * WIDTH], k[CELLS * WIDTH], v[CELLS * WIDTH], y[QUERIES * HEADS * WIDTH];
} attention_numbers;

// One head of one row, whose mask leaves all cells visible.
static bool attends(const attention_numbers *n, const float *q, const float *y) {
  double weights[CELLS], sum = 0;
  for (int c = 0; c < CELLS; c++) sum += weights[c] = exp(tk_dot(q, n->k + c * WIDTH, WIDTH) / 8);
  for (int i = 0; i < WIDTH; i++) {
    double value = 0;
    for (int c = 0; c < CELLS; c++) value += weights[c] / sum * (double)n->v[c * WIDTH + i];
    if (!(fabs(value - (double)y[i]) < 1e-5)) return false;
  }
  return true;
}

bool tk_self_test_attention(const tk_isa *isa) {
  if (!tk_can_attend(isa, TK_F32, WIDTH, WIDTH)) return true;
  attention_numbers *n = malloc(sizeof *n);
  uint8_t *workspace = NULL;
  bool is_right = n != NULL;
  if (n != NULL) {
    uint32_t state = 11;
    for (size_t i = 0; i < sizeof n->q / sizeof *n->q; i++) n->q[i] = (float)(int32_t)next_random(&state) * 0x1p-30f;
    for (int i = 0; i < CELLS * WIDTH; i++) {
      n->k[i] = (float)(int32_t)next_random(&state) * 0x1p-31f;
      n->v[i] = (float)(int32_t)next_random(&state) * 0x1p-31f;
    }
    tk_attention a = {.isa = isa, .type = TK_F32, .width = WIDTH, .value_width = WIDTH, .rows = QUERIES, .heads = HEADS, .kv_heads = 1,
                      .cells = CELLS, .scale = .125f, .q = (const uint8_t *)n->q, .k = (const uint8_t *)n->k, .v = (const uint8_t *)n->v,
                      .q_row = HEADS * WIDTH * 4, .q_head = WIDTH * 4, .k_cell = WIDTH * 4, .v_cell = WIDTH * 4,
                      .y = n->y, .y_row = HEADS * WIDTH, .y_head = WIDTH};
    workspace = malloc(tk_attention_bytes(&a) + 64);
    if (workspace != NULL) {
      a.workspace = (uint8_t *)(((uintptr_t)workspace + 63) / 64 * 64);
      tk_attention_start(&a);
      tk_attention_run(&a, 0);
      for (int i = 0; i < QUERIES * HEADS; i++) is_right = is_right && attends(n, n->q + i * WIDTH, n->y + i * WIDTH);
    }
  }
  free(n);
  free(workspace);
  return is_right && workspace != NULL;
}
