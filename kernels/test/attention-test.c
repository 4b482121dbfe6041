// Compares attention of an instruction set with plain C in f64, and with itself: rows alone and in company, other threads, cells that lie
// together or among those of others, and what is not finite behind a mask.
#include "attention-test.h"

#include "../src/attention.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 3 };

typedef struct {
  tk_type type;
  int width, rows, heads, kv_heads, cells, sequences;
  bool are_scattered; // Whether cells of a sequence lie among those of the others, as when all are computed step by step.
} shape;

typedef struct {
  float *q, *y, *again;
  uint8_t *k, *v;
  uint16_t *mask;
} buffers;

static uint32_t random_state = 5;
static uint32_t random_bits(void) { return random_state = random_state * 1664525u + 1013904223u; }
static float random_unit(void) { return (float)(int32_t)random_bits() * 0x1p-31f; }

static void *buffer(size_t bytes) {
  void *p = malloc(bytes + 1);
  if (p == NULL) exit(2);
  return p;
}

static size_t value_bytes(const shape *s) { return s->type == TK_F32 ? 4 : 2; }
// A head more than there are, so that cells have something between them.
static size_t cell_bytes(const shape *s) { return (size_t)(s->kv_heads + 1) * (size_t)s->width * value_bytes(s); }

static void put(const shape *s, uint8_t *at, float value) {
  if (s->type == TK_F32) {
    memcpy(at, &value, 4);
    return;
  }
  // Exact for the values used here: a sign, an exponent that f16 has and the first 10 bits of the fraction.
  uint32_t bits;
  memcpy(&bits, &value, 4);
  const uint32_t exponent = bits >> 23 & 255;
  const uint16_t half = (uint16_t)((bits >> 16 & 0x8000) | (exponent == 255 ? 0x7c00 | (bits >> 13 & 0x3ff) : exponent < 113 ? 0 : (exponent - 112) << 10 | (bits >> 13 & 0x3ff)));
  memcpy(at, &half, 2);
}

static double get(const shape *s, const uint8_t *at) {
  if (s->type == TK_F32) {
    float value;
    memcpy(&value, at, 4);
    return value;
  }
  uint16_t half;
  memcpy(&half, at, 2);
  return tk_half_to_float(half);
}

static bool sees(const shape *s, const buffers *b, int row, int cell) { return b->mask[(size_t)row * (size_t)s->cells + (size_t)cell] != 0xfc00; }

// Rows belong to sequences whose cells lie one run after the other, or by turns, and see those of their own that are not later than they are.
static void fill_mask(const shape *s, uint16_t *mask) {
  const int share = (s->cells + s->sequences - 1) / s->sequences;
  for (int row = 0; row < s->rows; row++) {
    const int last = (row + 1) * share / s->rows;
    for (int cell = 0; cell < s->cells; cell++) {
      const int sequence = s->are_scattered ? cell % s->sequences : cell / share;
      const int position = s->are_scattered ? cell / s->sequences : cell % share;
      mask[(size_t)row * (size_t)s->cells + (size_t)cell] = sequence == row % s->sequences && position <= last ? 0 : 0xfc00;
    }
  }
}

static void fill(const shape *s, buffers *b) {
  const size_t queries = (size_t)s->rows * (size_t)s->heads * (size_t)s->width, bytes = (size_t)s->cells * cell_bytes(s);
  b->q = buffer(queries * 4), b->y = buffer(queries * 4), b->again = buffer(queries * 4);
  b->k = buffer(bytes), b->v = buffer(bytes);
  b->mask = buffer((size_t)s->rows * (size_t)s->cells * 2);
  for (size_t i = 0; i < queries; i++) b->q[i] = 4 * random_unit();
  for (size_t i = 0; i < bytes; i += value_bytes(s)) {
    put(s, b->k + i, random_unit());
    put(s, b->v + i, random_unit());
  }
  fill_mask(s, b->mask);
}

static tk_attention attention_of(const tk_isa *isa, const shape *s, const buffers *b, float *y) {
  const size_t head = (size_t)s->width * value_bytes(s);
  return (tk_attention){.isa = isa, .type = s->type, .width = s->width, .value_width = s->width, .rows = s->rows, .heads = s->heads,
                        .kv_heads = s->kv_heads, .cells = s->cells, .scale = .25f, .q = (const uint8_t *)b->q, .k = b->k, .v = b->v,
                        .q_row = (size_t)s->heads * (size_t)s->width * 4, .q_head = (size_t)s->width * 4, .k_cell = cell_bytes(s), .k_head = head,
                        .v_cell = cell_bytes(s), .v_head = head, .mask = (const uint8_t *)b->mask, .mask_row = (size_t)s->cells * 2,
                        .y = y, .y_row = (size_t)s->heads * (size_t)s->width, .y_head = (size_t)s->width};
}

typedef struct {
  tk_attention *a;
  int index;
} worker;

static void *run_worker(void *p) {
  const worker *w = p;
  tk_attention_run(w->a, w->index);
  return NULL;
}

static void run(tk_attention *a, int threads) {
  pthread_t others[MAX_THREADS];
  worker workers[MAX_THREADS];
  uint8_t *workspace = buffer(tk_attention_bytes(a) * (size_t)threads + 64);
  a->workspace = (uint8_t *)(((uintptr_t)workspace + 63) / 64 * 64);
  tk_attention_start(a);
  for (int i = 1; i < threads; i++) {
    workers[i] = (worker){a, i};
    pthread_create(&others[i], NULL, run_worker, &workers[i]);
  }
  tk_attention_run(a, 0);
  for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
  free(workspace);
}

// The largest difference of a row's head from plain C, in units of what rounding allows.
static double difference(const shape *s, const buffers *b, int row, int head) {
  const int kv = head / (s->heads / s->kv_heads);
  const float *q = b->q + ((size_t)row * (size_t)s->heads + (size_t)head) * (size_t)s->width, *y = b->y + (q - b->q);
  double *weights = buffer((size_t)s->cells * sizeof *weights), top = -INFINITY, sum = 0, worst = 0;
  for (int cell = 0; cell < s->cells; cell++) {
    const uint8_t *k = b->k + (size_t)cell * cell_bytes(s) + (size_t)kv * (size_t)s->width * value_bytes(s);
    double score = 0;
    for (int i = 0; i < s->width; i++) score += (double)q[i] * get(s, k + (size_t)i * value_bytes(s));
    weights[cell] = sees(s, b, row, cell) ? score / 4 : -INFINITY;
    top = fmax(top, weights[cell]);
  }
  for (int cell = 0; cell < s->cells; cell++) sum += weights[cell] = isinf(weights[cell]) ? 0 : exp(weights[cell] - top);
  for (int i = 0; i < s->width; i++) {
    double value = 0;
    for (int cell = 0; cell < s->cells; cell++)
      if (weights[cell] > 0) value += weights[cell] / sum * get(s, b->v + (size_t)cell * cell_bytes(s) + ((size_t)kv * (size_t)s->width + (size_t)i) * value_bytes(s));
    // Scores are below the width and values below 1; each of their additions rounds by 2^-24.
    worst = fmax(worst, fabs(value - (double)y[i]) / ((double)(s->width * s->width + s->cells + 16) * 0x1p-24));
  }
  free(weights);
  return worst;
}

static int checks, failures;
static void check(bool is_right, const tk_isa *isa, const shape *s, const char *what) {
  checks++;
  if (is_right) return;
  failures++;
  printf("%s attention, type %d, width %d, rows %d, heads %d of %d, cells %d, %d%s sequences: %s\n", isa->name, (int)s->type, s->width, s->rows,
         s->heads, s->kv_heads, s->cells, s->sequences, s->are_scattered ? " scattered" : "", what);
}

static void check_values(const tk_isa *isa, const shape *s, const buffers *b) {
  double worst = 0;
  for (int row = 0; row < s->rows; row += 1 + s->rows / 9)
    for (int head = 0; head < s->heads; head++) {
      const double d = difference(s, b, row, head);
      if (!(d <= worst)) worst = d;
    }
  check(worst <= 1, isa, s, "differs from plain C by more than rounding");
}

static void check_company(const tk_isa *isa, const shape *s, const buffers *b) {
  const size_t values = (size_t)s->heads * (size_t)s->width;
  for (int row = 0; row < s->rows; row += 1 + s->rows / 5) {
    tk_attention a = attention_of(isa, s, b, b->again);
    a.rows = 1;
    a.q += (size_t)row * a.q_row;
    a.mask += (size_t)row * a.mask_row;
    run(&a, 1);
    check(memcmp(b->again, b->y + (size_t)row * values, values * 4) == 0, isa, s, "a row depends on its company");
  }
}

// As if nothing lay in the cache but the cells that the row sees.
static void check_places(const tk_isa *isa, const shape *s, const buffers *b) {
  const size_t values = (size_t)s->heads * (size_t)s->width, cell = cell_bytes(s);
  uint8_t *k = buffer((size_t)s->cells * cell), *v = buffer((size_t)s->cells * cell);
  for (int row = 0; row < s->rows; row += 1 + s->rows / 5) {
    tk_attention a = attention_of(isa, s, b, b->again);
    a.rows = 1;
    a.q += (size_t)row * a.q_row;
    a.k = k, a.v = v, a.mask = NULL, a.cells = 0;
    for (int c = 0; c < s->cells; c++) {
      if (!sees(s, b, row, c)) continue;
      memcpy(k + (size_t)a.cells * cell, b->k + (size_t)c * cell, cell);
      memcpy(v + (size_t)a.cells * cell, b->v + (size_t)c * cell, cell);
      a.cells++;
    }
    run(&a, 1);
    check(memcmp(b->again, b->y + (size_t)row * values, values * 4) == 0, isa, s, "a row depends on where its cells lie");
  }
  free(k), free(v);
}

static void check_threads(const tk_isa *isa, const shape *s, const buffers *b) {
  tk_attention a = attention_of(isa, s, b, b->again);
  run(&a, MAX_THREADS);
  check(memcmp(b->again, b->y, (size_t)s->rows * (size_t)s->heads * (size_t)s->width * 4) == 0, isa, s, "the number of threads changes the result");
}

// What lies in a cell must reach the rows that see it, and no other.
static void check_poison(const tk_isa *isa, const shape *s, const buffers *b) {
  const size_t values = (size_t)s->heads * (size_t)s->width;
  const int cell = s->cells / 2;
  for (int kind = 0; kind < 4; kind++) {
    uint8_t *at = (kind < 2 ? b->k : b->v) + (size_t)cell * cell_bytes(s);
    const double kept = get(s, at);
    bool is_clean = true, is_marked = true;
    put(s, at, kind % 2 ? (float)NAN : -(float)INFINITY);
    tk_attention a = attention_of(isa, s, b, b->again);
    run(&a, 1);
    for (int row = 0; row < s->rows; row++) {
      const float *got = b->again + (size_t)row * values;
      const bool is_seen = sees(s, b, row, cell);
      if (!is_seen) is_clean = is_clean && memcmp(got, b->y + (size_t)row * values, values * 4) == 0;
      // A score of minus infinity is no weight, so only what cannot vanish is asked for.
      else if (kind != 0) is_marked = is_marked && !isfinite(got[0]);
    }
    put(s, at, (float)kept);
    check(is_clean, isa, s, "what is not finite reaches a row that does not see it");
    check(is_marked, isa, s, "what is not finite vanishes");
  }
}

static void check_shape(const tk_isa *isa, const shape *s) {
  buffers b;
  fill(s, &b);
  tk_attention a = attention_of(isa, s, &b, b.y);
  run(&a, 1);
  check_values(isa, s, &b);
  check_company(isa, s, &b);
  check_places(isa, s, &b);
  check_threads(isa, s, &b);
  check_poison(isa, s, &b);
  a.mask = NULL;
  memset(b.mask, 0, (size_t)s->rows * (size_t)s->cells * 2);
  run(&a, 1);
  check_values(isa, s, &b);
  free(b.q), free(b.y), free(b.again), free(b.k), free(b.v), free(b.mask);
}

attention_checks check_attention(const tk_isa *isa) {
  static const int widths[] = {16, 64, 80, 96, 128}, rows[] = {1, 3, 8, 13, 60}, cells[] = {1, 31, 32, 33, 100, 330};
  static const int groups[][2] = {{4, 4}, {8, 2}, {13, 1}}, sequences[] = {1, 2, 5};
  checks = failures = 0;
  if (tk_can_attend(isa, TK_F16, 64, 64))
    for (int w = 0; w < 5; w++)
      for (int r = 0; r < 5; r++)
        for (int c = 0; c < 6; c++) {
          const int *group = groups[(w + r + c) % 3];
          shape s = {(w + c) % 2 ? TK_F16 : TK_F32, widths[w], rows[r], group[0], group[1], cells[c], sequences[(w + 2 * r + c) % 3], false};
          check_shape(isa, &s);
          s.are_scattered = true;
          if (s.sequences > 1) check_shape(isa, &s);
        }
  return (attention_checks){checks, failures};
}
