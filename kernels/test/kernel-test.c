// Compares every instruction set that this processor (or emulator) has with plain C, and with itself: other numbers of threads, other
// rows in company, packed and unpacked again. Prints one line for each check that fails and a count at the end; exits 1 if one failed.
//   kernel-test [instruction set [emulated]]
// With `emulated` the instruction set is tried whatever the processor has: the program was built with emulated/immintrin.h.
#include "../src/product.h"
#include "../src/reference.h"
#include "attention-test.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int checks, failures;
static const tk_type TYPES[] = {TK_Q4_0, TK_Q8_0, TK_Q4_K, TK_Q6_K, TK_F16, TK_BF16, TK_F32};
static const char *const TYPE_NAMES[] = {"q4_0", "q8_0", "q4_K", "q6_K", "f16", "bf16", "f32"};
enum { TYPE_COUNT = sizeof TYPES / sizeof *TYPES };

// How inputs are made: `usual` is noise; `extreme` has the largest weights and values of x of one sign against each other, so that
// integer sums reach their bounds; `tiny` has values that vanish beside others or are below the smallest normal number; `zero` is nothing.
typedef enum { USUAL, EXTREME, TINY, ZERO, FILL_COUNT } fill;
static const char *const FILL_NAMES[] = {"usual", "extreme", "tiny", "zero"};

typedef struct {
  const tk_isa *isa;
  int type_index;
  int m, n, k;
  fill fill;
} shape;

static uint32_t random_state = 1;
static uint32_t random_bits(void) { return random_state = random_state * 1664525u + 1013904223u; }
static float random_unit(void) { return (float)(int32_t)random_bits() * 0x1p-31f; }

static void check(bool is_right, const shape *s, const char *what) {
  checks++;
  if (is_right) return;
  failures++;
  printf("%s %s, %s values, M %d, N %d, K %d: %s\n", s->isa->name, TYPE_NAMES[s->type_index], FILL_NAMES[s->fill], s->m, s->n, s->k, what);
}

static void put_half(uint8_t *p, uint16_t half) {
  p[0] = (uint8_t)half;
  p[1] = (uint8_t)(half >> 8);
}

static void fill_block(tk_type type, fill f, uint8_t *p, size_t bytes) {
  for (size_t i = 0; i < bytes; i++)
    p[i] = f == ZERO ? 0 : f != EXTREME ? (uint8_t)(random_bits() >> 24) : type == TK_Q8_0 ? (random_bits() >> 31 ? 0x80 : 0x7f) : random_bits() >> 31 ? 0xff : 0;
  const uint16_t scale = f == ZERO ? 0 : f == TINY ? (uint16_t)(random_bits() >> 24) : (uint16_t)(0x2000 | random_bits() >> 23 | (random_bits() >> 31) << 15);
  put_half(p + tk_scale_offset(type), scale);
  if (type == TK_Q6_K && f == EXTREME)
    for (int i = 192; i < 208; i++) p[i] = random_bits() >> 31 ? 0x80 : 0x7f;
  if (type == TK_Q4_K) put_half(p + 2, f == ZERO ? 0 : (uint16_t)(scale ^ 0x0155));
}

static void fill_plain(tk_type type, fill f, uint8_t *p, size_t bytes) {
  for (size_t i = 0; i < bytes; i += type == TK_F32 ? 4 : 2) {
    const float value = f == ZERO ? 0 : f == EXTREME ? (random_bits() >> 31 ? 60000.f : -60000.f) : f == TINY ? random_unit() * 1e-40f : random_unit();
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if (type == TK_F32) memcpy(p + i, &bits, 4);
    else if (type == TK_BF16) put_half(p + i, (uint16_t)(bits >> 16));
    else put_half(p + i, f == ZERO ? 0 : f == EXTREME ? (uint16_t)(0x7bff | (bits >> 31) << 15) : f == TINY ? (uint16_t)(bits & 0x83ff) : (uint16_t)(0x3000 | (bits & 0x87ff)));
  }
}

static void fill_weights(const shape *s, uint8_t *rows) {
  const tk_type type = TYPES[s->type_index];
  const size_t bytes = (size_t)s->n * tk_row_bytes(type, s->k), block = tk_unit_bytes(type);
  if (!tk_is_quantised(type)) fill_plain(type, s->fill, rows, bytes);
  else
    for (size_t i = 0; i < bytes; i += block) fill_block(type, s->fill, rows + i, block);
}

static float activation(fill f, int row) {
  switch (f) {
  case USUAL: return random_unit() * (row % 3 == 0 ? 40.f : 1.f);
  case EXTREME: return random_bits() >> 30 == 0 ? 1e30f : 9.9e29f;
  case TINY: return random_bits() >> 30 == 0 ? random_unit() : random_unit() * 1e-38f;
  default: return 0;
  }
}

// Equal numbers. Bits are not compared, because valgrind gives the zero of a fused multiply-add another sign than processors do.
static bool are_equal(const float *a, const float *b, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!(a[i] == b[i])) return false;
  return true;
}

static bool rows_are_equal(const float *a, const float *b, const shape *s, size_t stride) {
  for (int m = 0; m < s->m; m++)
    if (!are_equal(a + (size_t)m * stride, b + (size_t)m * stride, (size_t)s->n)) return false;
  return true;
}

static void *run_thread(void *product) {
  tk_product_run(product);
  return NULL;
}

static void run(tk_product *p) {
  pthread_t others[3];
  tk_product_start(p);
  for (int i = 1; i < p->threads; i++) pthread_create(&others[i - 1], NULL, run_thread, p);
  tk_product_run(p);
  for (int i = 1; i < p->threads; i++) pthread_join(others[i - 1], NULL);
}

static void *buffer(size_t bytes) {
  void *p = malloc(bytes + 1);
  if (p == NULL) exit(2);
  return p;
}

typedef struct {
  uint8_t *rows, *packed, *workspace;
  float *x, *y, *again, *rounded, *weights, *magnitudes;
  size_t y_stride;
} buffers;

static void check_values(const shape *s, const buffers *b) {
  const tk_type type = TYPES[s->type_index];
  double worst = 0;
  for (int column = 0; column < s->n; column++) {
    const uint8_t *row = b->rows + (size_t)column * tk_row_bytes(type, s->k);
    tk_dequantise_row(type, row, s->k, b->weights);
    tk_magnitude_row(type, row, s->k, b->magnitudes);
    for (int m = 0; m < s->m; m += s->m > 40 ? 7 : 1) {
      const float *x = b->rounded + (size_t)m * (size_t)s->k;
      double magnitude = 0;
      for (int i = 0; i < s->k; i++) magnitude += fabs((double)x[i]) * (double)b->magnitudes[i];
      const double error = fabs(tk_dot(x, b->weights, s->k) - (double)b->y[(size_t)m * b->y_stride + (size_t)column]);
      const double allowed = tk_tolerance(s->isa, type, s->k, magnitude);
      if (!(error / allowed <= worst)) worst = error / allowed;
    }
  }
  check(worst <= 1, s, "differs from plain C by more than rounding");
}

// A product of one row, on its own, must give the numbers that the row has in company.
static void check_company(const shape *s, const buffers *b, tk_product p) {
  for (int m = 0; m < s->m; m += 1 + s->m / 5) {
    p.m = 1;
    p.threads = 1;
    p.x = b->x + (size_t)m * (size_t)s->k;
    p.y = b->again;
    run(&p);
    check(are_equal(b->again, b->y + (size_t)m * b->y_stride, (size_t)s->n), s, "a row depends on its company");
  }
}

static void check_threads(const shape *s, const buffers *b, tk_product p) {
  const size_t bytes = (size_t)s->m * b->y_stride * 4;
  memset(b->again, 0x7b, bytes);
  p.y = b->again;
  p.threads = 3;
  run(&p);
  check(rows_are_equal(b->again, b->y, s, b->y_stride), s, "the number of threads changes the result");
  p.is_packed = true;
  memset(b->again, 0x7b, bytes);
  run(&p);
  check(rows_are_equal(b->again, b->y, s, b->y_stride), s, "packed rows cannot be used again");
}

static void check_borders(const shape *s, const buffers *b) {
  bool is_untouched = true;
  const uint8_t *bytes = (const uint8_t *)b->y;
  for (int m = 0; m < s->m; m++)
    for (size_t i = (size_t)s->n * 4; i < b->y_stride * 4; i++) is_untouched = is_untouched && bytes[(size_t)m * b->y_stride * 4 + i] == 0x7b;
  check(is_untouched, s, "writes beyond its columns");
}

// What one infinite or undefined value does must stay in its row.
static void check_poison(const shape *s, const buffers *b, tk_product p) {
  for (int kind = 0; kind < 2; kind++) {
    const int m = s->m / 2;
    float *value = b->x + (size_t)m * (size_t)s->k + (size_t)(s->k / 2), kept = *value;
    bool is_clean = true, is_marked = true;
    *value = kind == 0 ? (float)NAN : (float)INFINITY;
    p.y = b->again;
    run(&p);
    for (int row = 0; row < s->m; row++) {
      const float *got = b->again + (size_t)row * b->y_stride;
      if (row != m) is_clean = is_clean && are_equal(got, b->y + (size_t)row * b->y_stride, (size_t)s->n);
      else
        for (int column = 0; column < s->n; column++) is_marked = is_marked && !isfinite(got[column]);
    }
    *value = kept;
    check(is_clean, s, "an undefined value of one row reaches another");
    check(is_marked, s, "an undefined value vanishes");
  }
}

static void check_packing(const shape *s, const buffers *b) {
  const tk_type type = TYPES[s->type_index];
  const size_t bytes = (size_t)s->n * tk_row_bytes(type, s->k);
  uint8_t *back = buffer(bytes);
  tk_unpack(s->isa, type, b->packed, s->n, s->k, back);
  check(memcmp(back, b->rows, bytes) == 0, s, "weights come back changed");
  free(back);
}

static void check_shape(const shape *s) {
  const tk_type type = TYPES[s->type_index];
  const int panel = tk_panel(s->isa, type);
  const size_t columns = (size_t)s->n + 3, rows = (size_t)s->m, k = (size_t)s->k;
  // Buffers are as large as they must be and no larger, so that a sanitiser sees what is read or written beyond them.
  buffers b = {buffer((size_t)s->n * tk_row_bytes(type, s->k)), buffer(tk_panel_bytes(s->isa, type, s->k) * (size_t)((s->n + panel - 1) / panel)),
               buffer(tk_workspace_bytes(s->isa, type, s->m, s->k)), buffer(rows * k * 4), buffer(rows * columns * 4),
               buffer(rows * columns * 4), buffer(rows * k * 4), buffer(k * 4), buffer(k * 4), columns};
  fill_weights(s, b.rows);
  for (size_t i = 0; i < rows * k; i++) b.x[i] = activation(s->fill, (int)(i / k));
  for (int m = 0; m < s->m; m++) tk_round_row(s->isa, type, b.x + (size_t)m * k, s->k, b.rounded + (size_t)m * k);
  memset(b.y, 0x7b, rows * columns * 4);
  tk_pack(s->isa, type, b.rows, s->n, s->k, b.packed);
  tk_product p = {.isa = s->isa, .type = type, .m = s->m, .n = s->n, .k = s->k, .x = b.x, .x_stride = k, .w = b.packed,
                  .y = b.y, .y_stride = columns, .workspace = b.workspace, .threads = 1};
  run(&p);
  check_packing(s, &b);
  check_borders(s, &b);
  check_values(s, &b);
  check_company(s, &b, p);
  check_threads(s, &b, p);
  if (s->fill == USUAL) check_poison(s, &b, p);
  free(b.rows), free(b.packed), free(b.workspace), free(b.x), free(b.y), free(b.again), free(b.rounded), free(b.weights), free(b.magnitudes);
}

static void check_isa(const tk_isa *isa) {
  static const int rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 16, 17, 33, 600};
  static const int columns[] = {1, 7, 8, 9, 31, 40, 65};
  static const int blocks[] = {1, 2, 3, 8};
  for (int type = 0; type < TYPE_COUNT; type++) {
    const bool is_plain = !tk_is_quantised(TYPES[type]);
    check(tk_self_test(isa, TYPES[type]), &(shape){isa, type, 0, 0, 0, USUAL}, "fails the test at load");
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
      for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        const int at = blocks[(r + c) % 4], k = is_plain ? at * 29 - 3 : at * tk_unit_weights(TYPES[type]);
        for (int f = 0; f < FILL_COUNT; f++)
          if (rows[r] < 100 || (f == USUAL && columns[c] > 60)) check_shape(&(shape){isa, type, rows[r], columns[c], k, (fill)f});
      }
    // As long as rows of a model are.
    check_shape(&(shape){isa, type, 9, 40, is_plain ? 11008 : 11008 / 256 * 256, USUAL});
    check_shape(&(shape){isa, type, 9, 40, is_plain ? 11008 : 11008 / 256 * 256, EXTREME});
  }
}

int main(int argc, char **argv) {
  const bool is_emulated = argc > 2 && strcmp(argv[2], "emulated") == 0;
  int tried = 0;
  for (int i = 0; i < tk_isa_count(); i++) {
    const tk_isa *isa = tk_isa_at(i);
    if (argc > 1 && strcmp(argv[1], isa->name) != 0) continue;
    if (!is_emulated && !tk_isa_runs_here(isa)) {
      printf("%s: not tried, this processor does not have it\n", isa->name);
      continue;
    }
    const int before = checks;
    check_isa(isa);
    const attention_checks attention = check_attention(isa);
    checks += attention.done;
    failures += attention.failed;
    printf("%s: %d checks\n", isa->name, checks - before);
    tried++;
  }
  printf("%d instruction sets tried, %d checks, %d failed\n", tried, checks, failures);
  return failures > 0 || tried == 0;
}
