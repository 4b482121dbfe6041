// Attention in tiles, for instruction sets with wide registers. Queries of a unit are taken in tiles of TILE that see nearly the same cells.
// For each panel of CELLS cells, two registers wide, that a tile sees, the keys are turned so that a register holds one value of HALF
// cells; scores of a tile are kept whole, become weights, and are multiplied with the values as they lie. Keys and values of one head lie as
// far apart as the heads together are long, so processors do not see what comes next: while one panel is read, the next one is fetched. The
// including file defines, before it includes this one,
//   HALF, TILE                       numbers of f32 in a register, and queries of a tile; both at most 16, TILE at most HALF
//   TK_ATTEND, TK_ATTENTION_BYTES    names of what attention.h declares
//   wide, lanes, panel_values        a register of f32, the same as bits, and two of the former: `left`, `right`
//   load, store, all, widen, store_columns, load_half(type, p), transpose(lanes *), load_lanes, store_lanes, store_tile(p, v): the first
//   TILE of v, no_lanes, lanes_of(wide), larger, multiply_add(a, b, c): a * b + c, rounded once, is_finite
//   largest_of(v), sum_of(v)         over a register
//   biases(mask, count)              a mask of HALF cells, or zeros for NULL; minus infinity for those beyond `count`
//   hide(bias, score)                score + bias, and minus infinity where the bias is that
//   sees_any(mask, count)            whether the mask of any of so many cells, at most CELLS, is not minus infinity
//   nearest(v)                       whole numbers
//   scaled(v, n, x)                  v * 2^n for whole n from -151 to 0, rounded once; 0 where x is below -104
#include "attention.h"

#include <math.h>

enum { CELLS = 2 * HALF, MAX_TILES = TK_ATTENTION_QUERIES };

typedef struct {
  int first, queries; // of the unit
  int panels;         // that it sees
  int *panel;
  float *q, *scores; // [width][TILE] and [query][panels * CELLS]
} tile;

typedef struct {
  const tk_attention *a;
  int kv_head, first_row, group;
} unit;

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }
static int panels_of(const tk_attention *a) { return (a->cells + CELLS - 1) / CELLS; }
static int most_queries(const tk_attention *a) {
  const int group = a->heads / a->kv_heads;
  return group > TK_ATTENTION_QUERIES ? group : TK_ATTENTION_QUERIES;
}

// In this order: visible panels of each row, panels of each tile, queries of each tile, scores, weights of a tile, keys of a panel.
static size_t visible_bytes(const tk_attention *a) { return aligned((size_t)TK_ATTENTION_QUERIES * (size_t)panels_of(a)); }
static size_t list_bytes(const tk_attention *a) { return aligned((size_t)most_queries(a) * (size_t)panels_of(a) * sizeof(int)); }
static size_t query_bytes(const tk_attention *a) { return aligned((size_t)most_queries(a) * TILE * (size_t)a->width * 4); }
static size_t score_bytes(const tk_attention *a) { return aligned((size_t)most_queries(a) * (size_t)panels_of(a) * CELLS * 4); }
static size_t weight_bytes(const tk_attention *a) { return aligned((size_t)panels_of(a) * CELLS * TILE * 4); }
static size_t key_bytes(const tk_attention *a) { return aligned((size_t)a->width * CELLS * 4); }

size_t TK_ATTENTION_BYTES(const tk_attention *a) {
  return visible_bytes(a) + list_bytes(a) + query_bytes(a) + score_bytes(a) + weight_bytes(a) + key_bytes(a);
}

INLINE int smaller(int a, int b) { return a < b ? a : b; }
INLINE int row_of(const unit *u, int query) { return u->first_row + query / u->group; }
INLINE int head_of(const unit *u, int query) { return u->kv_head * u->group + query % u->group; }

// From this cell on; NULL where nothing is hidden.
INLINE const uint8_t *mask_of(const tk_attention *a, int row, int cell) {
  return a->mask == NULL ? NULL : a->mask + (size_t)row * a->mask_row + (size_t)cell * 2;
}

static void find_visible(const tk_attention *a, int first, int last, uint8_t *visible) {
  const int panels = panels_of(a);
  for (int row = first; row < last; row++)
    for (int p = 0; p < panels; p++) {
      const uint8_t *mask = mask_of(a, row, p * CELLS);
      visible[(size_t)(row - first) * (size_t)panels + (size_t)p] = mask == NULL || sees_any(mask, smaller(CELLS, a->cells - p * CELLS));
    }
}

// Rows of one sequence see nearly the same panels; rows of others should not pay for theirs.
static bool see_the_same(const uint8_t *one, const uint8_t *other, int panels) {
  int differing = 0;
  for (int p = 0; p < panels; p++) differing += one[p] != other[p];
  return differing <= 2;
}

// Tiles of the unit, and the panels each of them sees.
static int make_tiles(const unit *u, int queries, const uint8_t *visible, uint8_t *lists, tile *tiles) {
  const int panels = panels_of(u->a);
  int count = 0;
  for (int first = 0; first < queries;) {
    const uint8_t *own = visible + (size_t)(first / u->group) * (size_t)panels;
    int end = first + 1;
    while (end < queries && end < first + TILE && see_the_same(own, visible + (size_t)(end / u->group) * (size_t)panels, panels)) end++;
    tile *t = &tiles[count];
    *t = (tile){first, end - first, 0, (int *)lists + (size_t)count * (size_t)panels, NULL, NULL};
    for (int p = 0; p < panels; p++) {
      bool is_seen = false;
      for (int row = first / u->group; row <= (end - 1) / u->group; row++) is_seen = is_seen || visible[(size_t)row * (size_t)panels + (size_t)p];
      if (is_seen) t->panel[t->panels++] = p;
    }
    count++;
    first = end;
  }
  return count;
}

// HALF registers of as many values: rows `at` bytes apart, turned.
INLINE void turn(const tk_type type, const uint8_t *p, size_t at, int count, lanes *v) {
  UNROLL
  for (int i = 0; i < HALF; i++) v[i] = i >= count ? no_lanes() : lanes_of(load_half(type, p + (size_t)i * at));
  transpose(v);
}

// Into the second-level cache: cells that lie a power of two apart share a few places of the first one, and would drive each other out.
INLINE void fetch(const uint8_t *p) { __builtin_prefetch(p, 0, 2); }

// Keys of a panel that is turned next.
static void fetch_keys(const tk_attention *a, int kv_head, int panel) {
  const int bytes = a->width * (a->type == TK_F32 ? 4 : 2);
  for (int cell = panel * CELLS; cell < smaller((panel + 1) * CELLS, a->cells); cell++)
    for (int i = 0; i < bytes; i += 64) fetch(a->k + (size_t)cell * a->k_cell + (size_t)kv_head * a->k_head + i);
}

// Keys of a panel as [width][CELLS].
INLINE void turn_keys(const tk_type type, const tk_attention *a, int kv_head, int panel, float *out) {
  const size_t bytes = type == TK_F32 ? 4 : 2;
  for (int half = 0; half < 2; half++) {
    const int first = panel * CELLS + half * HALF;
    const uint8_t *p = a->k + (size_t)first * a->k_cell + (size_t)kv_head * a->k_head;
    for (int i = 0; i < a->width; i += HALF) {
      lanes v[HALF];
      turn(type, p + (size_t)i * bytes, a->k_cell, a->cells - first, v);
      UNROLL
      for (int j = 0; j < HALF; j++) store_lanes(out + (size_t)(i + j) * CELLS + half * HALF, v[j]);
    }
  }
}

// Queries of a tile as [width][TILE].
static void turn_queries(const unit *u, const tile *t) {
  for (int i = 0; i < u->a->width; i += HALF) {
    lanes v[HALF];
    for (int r = 0; r < HALF; r++) {
      const int query = t->first + r;
      v[r] = r >= t->queries ? no_lanes() : load_lanes(u->a->q + (size_t)row_of(u, query) * u->a->q_row + (size_t)head_of(u, query) * u->a->q_head + (size_t)i * 4);
    }
    transpose(v);
    for (int j = 0; j < HALF; j++) store_tile(t->q + (size_t)(i + j) * TILE, v[j]);
  }
}

INLINE void add_step(const int rows, panel_values w, const float *x, panel_values *total) {
  UNROLL
  for (int r = 0; r < rows; r++) {
    const wide v = all(x[r]);
    total[r].left = multiply_add(w.left, v, total[r].left);
    total[r].right = multiply_add(w.right, v, total[r].right);
  }
}

INLINE void clear(const int rows, panel_values *total) {
  UNROLL
  for (int r = 0; r < rows; r++) total[r].left = total[r].right = all(0);
}

INLINE void score_rows(const int rows, const unit *u, const tile *t, int place, const float *keys) {
  panel_values total[TILE];
  clear(rows, total);
  for (int i = 0; i < u->a->width; i++) add_step(rows, widen(TK_F32, (const uint8_t *)(keys + (size_t)i * CELLS)), t->q + (size_t)i * TILE, total);
  UNROLL
  for (int r = 0; r < rows; r++)
    if (r < t->queries) store_columns(total[r].left, total[r].right, t->scores + (size_t)(r * t->panels + place) * CELLS, CELLS);
}

// Tiles with few queries have loops of their own.
ALONE void score_panel(const unit *u, const tile *t, int place, const float *keys) {
  if (t->queries == 1) score_rows(1, u, t, place, keys);
  else if (t->queries <= TILE / 3) score_rows(TILE / 3, u, t, place, keys);
  else if (t->queries <= 2 * TILE / 3) score_rows(2 * TILE / 3, u, t, place, keys);
  else score_rows(TILE, u, t, place, keys);
}

// e^x for x <= 0 within 2 units in the last place; 0 below -104, and NaN of NaN. x = n ln 2 + r, and e^r by its series to r^6.
INLINE wide exponential(wide x) {
  const wide n = nearest(x * all(1.44269504f));
  const wide r = multiply_add(n, all(-1.42860677e-6f), multiply_add(n, all(-0.693145752f), x));
  wide p = all(1.f / 720);
  p = multiply_add(p, r, all(1.f / 120));
  p = multiply_add(p, r, all(1.f / 24));
  p = multiply_add(p, r, all(1.f / 6));
  p = multiply_add(p, r, all(.5f));
  p = multiply_add(p, r, all(1));
  p = multiply_add(p, r, all(1));
  return scaled(p, n, x);
}

// Scores of one query become weights; returns what they must be divided by.
static float weigh(const tk_attention *a, int row, const tile *t, float *scores) {
  const wide scale = all(a->scale);
  wide top = all(-INFINITY), sum = all(0);
  for (int place = 0; place < t->panels; place++)
    for (int half = 0; half < 2; half++) {
      float *at = scores + place * CELLS + half * HALF;
      const int cell = t->panel[place] * CELLS + half * HALF;
      const wide s = hide(biases(mask_of(a, row, cell), a->cells - cell), load(at) * scale);
      top = larger(top, s);
      store(at, s);
    }
  const float most = largest_of(top);
  const wide offset = all(most == -INFINITY ? 0 : most);
  for (int i = 0; i < t->panels * CELLS; i += HALF) {
    const wide e = exponential(load(scores + i) - offset);
    sum += e;
    store(scores + i, e);
  }
  return sum_of(sum);
}

// Weights of a tile as [cell][TILE].
static void turn_weights(const tile *t, float *out) {
  for (int i = 0; i < t->panels * CELLS; i += HALF) {
    lanes v[HALF];
    for (int r = 0; r < HALF; r++) v[r] = r < t->queries ? load_lanes(t->scores + (size_t)r * (size_t)t->panels * CELLS + i) : no_lanes();
    transpose(v);
    for (int j = 0; j < HALF; j++) store_tile(out + (size_t)(i + j) * TILE, v[j]);
  }
}

INLINE panel_values load_value(const tk_type type, const uint8_t *p, int columns) {
  return columns >= CELLS ? widen(type, p) : (panel_values){load_half(type, p), all(0)};
}

// The values that a tile's queries see, weighted; with `skips`, each query without those that have no weight for it.
INLINE void add_values_of(const int rows, const bool skips, const tk_type type, const unit *u, const tile *t, const float *weights, int column,
                          panel_values *total) {
  const tk_attention *a = u->a;
  const uint8_t *values = a->v + (size_t)u->kv_head * a->v_head + (size_t)column * (type == TK_F32 ? 4 : 2);
  clear(rows, total);
  for (int place = 0; place < t->panels; place++) {
    const int first = t->panel[place] * CELLS, count = smaller(CELLS, a->cells - first);
    const int next = t->panel[smaller(place + 1, t->panels - 1)] * CELLS;
    for (int i = 0; i < count; i++) {
      const float *w = weights + (size_t)(place * CELLS + i) * TILE;
      fetch(values + (size_t)smaller(next + i, a->cells - 1) * a->v_cell);
      const panel_values v = load_value(type, values + (size_t)(first + i) * a->v_cell, a->value_width - column);
      if (!skips) add_step(rows, v, w, total);
      else
        for (int r = 0; r < rows; r++)
          if (w[r] != 0) add_step(1, v, w + r, total + r);
    }
  }
}

// A value that is not finite may be behind the mask of a query, and would reach it through a weight of nought.
static void add_careful(const int rows, const unit *u, const tile *t, const float *weights, int column, panel_values *total) {
  add_values_of(rows, true, u->a->type, u, t, weights, column, total);
}

INLINE void sum_rows(const int rows, const tk_type type, const unit *u, const tile *t, const float *weights, const float *divisors) {
  const tk_attention *a = u->a;
  for (int column = 0; column < a->value_width; column += CELLS) {
    panel_values total[TILE];
    add_values_of(rows, false, type, u, t, weights, column, total);
    bool are_finite = true;
    UNROLL
    for (int r = 0; r < rows; r++) are_finite = are_finite && is_finite(total[r]);
    if (!are_finite) {
      panel_values careful[TILE];
      add_careful(rows, u, t, weights, column, careful);
      UNROLL
      for (int r = 0; r < rows; r++) total[r] = careful[r];
    }
    UNROLL
    for (int r = 0; r < rows; r++)
      if (r < t->queries) {
        const int query = t->first + r;
        const wide divisor = all(divisors[r] == 0 ? 1 : divisors[r]);
        store_columns(total[r].left / divisor, total[r].right / divisor,
                      a->y + (size_t)row_of(u, query) * a->y_row + (size_t)head_of(u, query) * a->y_head + column, a->value_width - column);
      }
  }
}

INLINE void sum_tile(const tk_type type, const unit *u, const tile *t, const float *weights, const float *divisors) {
  if (t->queries == 1) sum_rows(1, type, u, t, weights, divisors);
  else if (t->queries <= TILE / 3) sum_rows(TILE / 3, type, u, t, weights, divisors);
  else if (t->queries <= 2 * TILE / 3) sum_rows(2 * TILE / 3, type, u, t, weights, divisors);
  else sum_rows(TILE, type, u, t, weights, divisors);
}

ALONE void sum_floats(const unit *u, const tile *t, const float *weights, const float *divisors) { sum_tile(TK_F32, u, t, weights, divisors); }
ALONE void sum_halves(const unit *u, const tile *t, const float *weights, const float *divisors) { sum_tile(TK_F16, u, t, weights, divisors); }

static void finish_tile(const unit *u, const tile *t, float *weights) {
  float divisors[TILE];
  for (int r = 0; r < t->queries; r++)
    divisors[r] = weigh(u->a, row_of(u, t->first + r), t, t->scores + (size_t)r * (size_t)t->panels * CELLS);
  turn_weights(t, weights);
  if (u->a->type == TK_F32) sum_floats(u, t, weights, divisors);
  else sum_halves(u, t, weights, divisors);
}

void TK_ATTEND(const tk_attention *a, int kv_head, int first, int last, uint8_t *workspace) {
  const unit u = {a, kv_head, first, a->heads / a->kv_heads};
  uint8_t *lists = workspace + visible_bytes(a), *queries = lists + list_bytes(a), *scores = queries + query_bytes(a);
  float *weights = (float *)(scores + score_bytes(a)), *keys = (float *)(scores + score_bytes(a) + weight_bytes(a));
  tile tiles[MAX_TILES];
  int next[MAX_TILES] = {0};
  find_visible(a, first, last, workspace);
  const int count = make_tiles(&u, (last - first) * u.group, workspace, lists, tiles);
  for (int i = 0; i < count; i++) {
    tiles[i].q = (float *)queries + (size_t)i * TILE * (size_t)a->width;
    tiles[i].scores = (float *)scores + (size_t)tiles[i].first * (size_t)panels_of(a) * CELLS;
    turn_queries(&u, &tiles[i]);
  }
  for (int p = 0; p < panels_of(a); p++) {
    bool is_turned = false;
    for (int i = 0; i < count; i++) {
      if (next[i] == tiles[i].panels || tiles[i].panel[next[i]] != p) continue;
      if (!is_turned) fetch_keys(a, kv_head, p + 1);
      if (!is_turned && a->type == TK_F32) turn_keys(TK_F32, a, kv_head, p, keys);
      else if (!is_turned) turn_keys(TK_F16, a, kv_head, p, keys);
      is_turned = true;
      score_panel(&u, &tiles[i], next[i]++, keys);
    }
  }
  for (int i = 0; i < count; i++) finish_tile(&u, &tiles[i], weights);
}
