// Attention in tiles, for instruction sets with wide registers. Rows of a unit that see nearly the same cells make a set, and queries of a
// set are taken in tiles of TILE. The cells that a set sees are listed, since those of one sequence lie scattered among those of others
// that were computed beside it, and taken in panels of CELLS, two registers wide, from the list: the keys of a panel are turned so that a
// register holds one value of HALF cells; scores of a tile are kept whole, become weights, and are multiplied with the values as they lie.
// Keys and values of one head lie as far apart as the heads together are long, so processors do not see what comes next: while one panel
// is read, the next one is fetched. The including file defines, before it includes this one,
//   HALF, TILE                       numbers of f32 in a register, and queries of a tile; both at most 16, TILE at most HALF
//   TK_ATTEND, TK_ATTENTION_BYTES    names of what attention.h declares
//   wide, lanes, panel_values        a register of f32, the same as bits, and two of the former: `left`, `right`
//   load, store, all, widen, store_columns, load_half(type, p), transpose(lanes *), load_lanes, store_lanes, store_tile(p, v): the first
//   TILE of v, no_lanes, lanes_of(wide), wide_of(lanes), larger, multiply_add(a, b, c): a * b + c, rounded once, is_finite
//   largest_of(v)                    over a register
//   biases(mask, count)              a mask of HALF cells, or zeros for NULL; minus infinity for those beyond `count`
//   hide(bias, score)                score + bias, and minus infinity where the bias is that
//   seen_cells(mask, count)          a bit for each of so many cells, at most CELLS, whose mask is not minus infinity, from the lowest on
//   nearest(v)                       whole numbers
//   scaled(v, n, x)                  v * 2^n for whole n from -151 to 0, rounded once; 0 where x is below -104
#include "attention.h"

#include <math.h>
#include <string.h>

enum { CELLS = 2 * HALF, MAX_TILES = TK_ATTENTION_QUERIES };
// Cells that rows of a set may see beside those that all of them see, and an eighth of these.
enum { SPARE_CELLS = 64 };

typedef struct {
  int first, queries; // of the unit
  float *q, *scores;  // [width][TILE] and [query][cells of the set, in whole panels]
} tile;

typedef struct {
  const tk_attention *a;
  int kv_head, first_row, group;
} unit;

// Rows of a unit from `first` to `last`, that one excluded, and the cells that any of them sees, ascending. Behind the last cell the list
// goes on with it for a panel and the rest of one, so that whoever looks ahead finds something.
typedef struct {
  int first, last, cells;
  int *cell;
} set;

static size_t aligned(size_t bytes) { return (bytes + 63) / 64 * 64; }
static int panels_for(int cells) { return (cells + CELLS - 1) / CELLS; }
static int panels_of(const tk_attention *a) { return panels_for(a->cells); }
static int most_queries(const tk_attention *a) {
  const int group = a->heads / a->kv_heads;
  return group > TK_ATTENTION_QUERIES ? group : TK_ATTENTION_QUERIES;
}

// What a thread works in, in this order: which cells each row sees and which those of a set do, the list of a set, its queries and scores,
// the biases of a row, weights of a tile, keys of a panel.
typedef struct {
  uint32_t *seen, *joined; // [row][panel] and [panel]
  int *cell;
  float *queries, *scores, *biases, *weights, *keys;
} workspace;

static void *take(uint8_t *base, size_t *offset, size_t bytes) {
  void *taken = base == NULL ? NULL : base + *offset;
  *offset += aligned(bytes);
  return taken;
}

// Returns its size.
static size_t lay_out(const tk_attention *a, uint8_t *base, workspace *w) {
  const size_t panels = (size_t)panels_of(a), queries = (size_t)most_queries(a);
  size_t bytes = 0;
  w->seen = take(base, &bytes, TK_ATTENTION_QUERIES * panels * sizeof(uint32_t));
  w->joined = take(base, &bytes, panels * sizeof(uint32_t));
  w->cell = take(base, &bytes, (panels + 2) * CELLS * sizeof(int));
  w->queries = take(base, &bytes, queries * TILE * (size_t)a->width * 4);
  w->scores = take(base, &bytes, queries * panels * CELLS * 4);
  w->biases = take(base, &bytes, panels * CELLS * 4);
  w->weights = take(base, &bytes, panels * CELLS * TILE * 4);
  w->keys = take(base, &bytes, (size_t)a->width * CELLS * 4);
  return bytes;
}

size_t TK_ATTENTION_BYTES(const tk_attention *a) {
  workspace w;
  return lay_out(a, NULL, &w);
}

INLINE int smaller(int a, int b) { return a < b ? a : b; }
INLINE int row_of(const unit *u, int query) { return u->first_row + query / u->group; }
INLINE int head_of(const unit *u, int query) { return u->kv_head * u->group + query % u->group; }

// From this cell on; NULL where nothing is hidden.
INLINE const uint8_t *mask_of(const tk_attention *a, int row, int cell) {
  return a->mask == NULL ? NULL : a->mask + (size_t)row * a->mask_row + (size_t)cell * 2;
}

static void find_seen(const tk_attention *a, int first, int last, uint32_t *seen) {
  const int panels = panels_of(a);
  for (int row = first; row < last; row++)
    for (int p = 0; p < panels; p++) {
      const uint8_t *mask = mask_of(a, row, p * CELLS);
      const int count = smaller(CELLS, a->cells - p * CELLS);
      *seen++ = mask == NULL ? (uint32_t)((1ull << count) - 1) : seen_cells(mask, count);
    }
}

static int count_cells(const uint32_t *seen, int panels) {
  int count = 0;
  for (int p = 0; p < panels; p++) count += __builtin_popcount(seen[p]);
  return count;
}

// Rows from `first` on that see nearly the same cells: those of others would cost each of them more than keys that are turned twice.
static set find_set(const tk_attention *a, int first, int last, const workspace *w) {
  const int panels = panels_of(a);
  const uint32_t *seen = w->seen + (size_t)first * (size_t)panels;
  memcpy(w->joined, seen, (size_t)panels * sizeof(uint32_t));
  set s = {first, first + 1, count_cells(seen, panels), w->cell};
  for (int least = s.cells; s.last < last; s.last++) {
    seen += panels;
    int all = 0;
    for (int p = 0; p < panels; p++) all += __builtin_popcount(seen[p] | w->joined[p]);
    least = smaller(least, count_cells(seen, panels));
    if (all > least + least / 8 + SPARE_CELLS) break;
    for (int p = 0; p < panels; p++) w->joined[p] |= seen[p];
    s.cells = all;
  }
  return s;
}

static void list_cells(const set *s, const uint32_t *joined, int panels) {
  int *cell = s->cell;
  for (int p = 0; p < panels; p++) {
    if (joined[p] == (uint32_t)((1ull << CELLS) - 1)) {
      for (int i = 0; i < CELLS; i++) *cell++ = p * CELLS + i;
      continue;
    }
    for (uint32_t bits = joined[p]; bits != 0; bits &= bits - 1) *cell++ = p * CELLS + __builtin_ctz(bits);
  }
  const int end = s->cells + 2 * CELLS - 1, beyond = s->cells == 0 ? 0 : s->cell[s->cells - 1];
  for (int i = s->cells; i < end; i++) *cell++ = beyond;
}

static int make_tiles(const unit *u, const set *s, const workspace *w, tile *tiles) {
  const int first = s->first * u->group, end = s->last * u->group;
  int count = 0;
  for (int at = first; at < end; at += TILE, count++)
    tiles[count] = (tile){at, smaller(TILE, end - at), w->queries + (size_t)count * TILE * (size_t)u->a->width,
                          w->scores + (size_t)(at - first) * (size_t)panels_for(s->cells) * CELLS};
  return count;
}

// Into the second-level cache: cells that lie a power of two apart share a few places of the first one, and would drive each other out.
INLINE void fetch(const uint8_t *p) { __builtin_prefetch(p, 0, 2); }

// Keys of the panel behind the one that begins at this place of the list, which is turned next.
static void fetch_keys(const tk_attention *a, const uint8_t *keys, const int *cell) {
  const int bytes = a->width * (a->type == TK_F32 ? 4 : 2);
  for (int c = CELLS; c < 2 * CELLS; c++)
    for (int i = 0; i < bytes; i += 64) fetch(keys + (size_t)cell[c] * a->k_cell + i);
}

// Keys of a panel as [width][CELLS].
INLINE void turn_keys(const tk_type type, const tk_attention *a, const uint8_t *keys, const int *cell, float *out) {
  const size_t bytes = type == TK_F32 ? 4 : 2;
  for (int half = 0; half < CELLS; half += HALF) {
    const uint8_t *p[HALF];
    UNROLL
    for (int i = 0; i < HALF; i++) p[i] = keys + (size_t)cell[half + i] * a->k_cell;
    for (int i = 0; i < a->width; i += HALF) {
      lanes v[HALF];
      UNROLL
      for (int c = 0; c < HALF; c++) v[c] = lanes_of(load_half(type, p[c] + (size_t)i * bytes));
      transpose(v);
      UNROLL
      for (int j = 0; j < HALF; j++) store_lanes(out + (size_t)(i + j) * CELLS + half, v[j]);
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

INLINE void score_rows(const int rows, const unit *u, const tile *t, int panel, int panels, const float *keys) {
  panel_values total[TILE];
  clear(rows, total);
  for (int i = 0; i < u->a->width; i++) add_step(rows, widen(TK_F32, (const uint8_t *)(keys + (size_t)i * CELLS)), t->q + (size_t)i * TILE, total);
  UNROLL
  for (int r = 0; r < rows; r++)
    if (r < t->queries) store_columns(total[r].left, total[r].right, t->scores + (size_t)(r * panels + panel) * CELLS, CELLS);
}

// Tiles with few queries have loops of their own.
ALONE void score_panel(const unit *u, const tile *t, int panel, int panels, const float *keys) {
  if (t->queries == 1) score_rows(1, u, t, panel, panels, keys);
  else if (t->queries <= TILE / 3) score_rows(TILE / 3, u, t, panel, panels, keys);
  else if (t->queries <= 2 * TILE / 3) score_rows(2 * TILE / 3, u, t, panel, panels, keys);
  else score_rows(TILE, u, t, panel, panels, keys);
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

// What is added to the scores that a row has of the cells of its set.
static void list_biases(const tk_attention *a, int row, const set *s, float *out) {
  const uint8_t *mask = mask_of(a, row, 0);
  for (int i = 0; i < panels_for(s->cells) * CELLS; i += HALF) {
    const int count = smaller(HALF, s->cells - i), first = s->cell[i];
    if (mask == NULL) store(out + i, biases(NULL, count));
    else if (count == HALF && s->cell[i + HALF - 1] - first == HALF - 1) store(out + i, biases(mask + (size_t)first * 2, HALF));
    else {
      uint16_t bits[HALF] = {0};
      for (int c = 0; c < count; c++) memcpy(&bits[c], mask + (size_t)s->cell[i + c] * 2, 2);
      store(out + i, biases((const uint8_t *)bits, count));
    }
  }
}

// Scores of one query become weights, and must be divided by their sum.
static void weigh(const tk_attention *a, const float *bias, int cells, float *scores) {
  const wide scale = all(a->scale);
  wide top = all(-INFINITY);
  for (int i = 0; i < panels_for(cells) * CELLS; i += HALF) {
    const wide s = hide(load(bias + i), load(scores + i) * scale);
    top = larger(top, s);
    store(scores + i, s);
  }
  const float most = largest_of(top);
  const wide offset = all(most == -INFINITY ? 0 : most);
  for (int i = 0; i < panels_for(cells) * CELLS; i += HALF) store(scores + i, exponential(load(scores + i) - offset));
}

// Weights of a tile as [cell][TILE], and the sum of each query's. They are added in the order of the cells, not by lanes: cells of the set
// that a query does not see weigh nothing, and where they lie in the list does not change its sum.
static void turn_weights(const tile *t, int cells, float *out, float *sums) {
  const size_t length = (size_t)panels_for(cells) * CELLS;
  wide sum = all(0);
  for (size_t i = 0; i < length; i += HALF) {
    lanes v[HALF];
    for (int r = 0; r < HALF; r++) v[r] = r < t->queries ? load_lanes(t->scores + (size_t)r * length + i) : no_lanes();
    transpose(v);
    for (int j = 0; j < HALF; j++) {
      store_tile(out + (i + (size_t)j) * TILE, v[j]);
      sum += wide_of(v[j]);
    }
  }
  store(sums, sum);
}

INLINE panel_values load_value(const tk_type type, const uint8_t *p, int columns) {
  return columns >= CELLS ? widen(type, p) : (panel_values){load_half(type, p), all(0)};
}

// The values of the listed cells, weighted; with `skips`, each query without those that have no weight for it.
INLINE void add_values_of(const int rows, const bool skips, const tk_type type, const unit *u, const set *s, const float *weights, int column,
                          panel_values *total) {
  const tk_attention *a = u->a;
  const uint8_t *values = a->v + (size_t)u->kv_head * a->v_head + (size_t)column * (type == TK_F32 ? 4 : 2);
  clear(rows, total);
  for (int i = 0; i < s->cells; i++) {
    const float *w = weights + (size_t)i * TILE;
    fetch(values + (size_t)s->cell[i + CELLS] * a->v_cell);
    const panel_values v = load_value(type, values + (size_t)s->cell[i] * a->v_cell, a->value_width - column);
    if (!skips) add_step(rows, v, w, total);
    else
      for (int r = 0; r < rows; r++)
        if (w[r] != 0) add_step(1, v, w + r, total + r);
  }
}

// A value that is not finite may be behind the mask of a query, and would reach it through a weight of nought.
static void add_careful(const int rows, const unit *u, const set *s, const float *weights, int column, panel_values *total) {
  add_values_of(rows, true, u->a->type, u, s, weights, column, total);
}

INLINE void sum_rows(const int rows, const tk_type type, const unit *u, const set *s, const tile *t, const float *weights, const float *sums) {
  const tk_attention *a = u->a;
  for (int column = 0; column < a->value_width; column += CELLS) {
    panel_values total[TILE];
    add_values_of(rows, false, type, u, s, weights, column, total);
    bool are_finite = true;
    UNROLL
    for (int r = 0; r < rows; r++) are_finite = are_finite && is_finite(total[r]);
    if (!are_finite) {
      panel_values careful[TILE];
      add_careful(rows, u, s, weights, column, careful);
      UNROLL
      for (int r = 0; r < rows; r++) total[r] = careful[r];
    }
    UNROLL
    for (int r = 0; r < rows; r++)
      if (r < t->queries) {
        const int query = t->first + r;
        const wide divisor = all(sums[r] == 0 ? 1 : sums[r]);
        store_columns(total[r].left / divisor, total[r].right / divisor,
                      a->y + (size_t)row_of(u, query) * a->y_row + (size_t)head_of(u, query) * a->y_head + column, a->value_width - column);
      }
  }
}

INLINE void sum_tile(const tk_type type, const unit *u, const set *s, const tile *t, const float *weights, const float *sums) {
  if (t->queries == 1) sum_rows(1, type, u, s, t, weights, sums);
  else if (t->queries <= TILE / 3) sum_rows(TILE / 3, type, u, s, t, weights, sums);
  else if (t->queries <= 2 * TILE / 3) sum_rows(2 * TILE / 3, type, u, s, t, weights, sums);
  else sum_rows(TILE, type, u, s, t, weights, sums);
}

ALONE void sum_floats(const unit *u, const set *s, const tile *t, const float *weights, const float *sums) {
  sum_tile(TK_F32, u, s, t, weights, sums);
}
ALONE void sum_halves(const unit *u, const set *s, const tile *t, const float *weights, const float *sums) {
  sum_tile(TK_F16, u, s, t, weights, sums);
}

static void attend_set(const unit *u, const set *s, const workspace *w) {
  const tk_attention *a = u->a;
  const uint8_t *keys = a->k + (size_t)u->kv_head * a->k_head;
  const int panels = panels_for(s->cells);
  tile tiles[MAX_TILES];
  const int count = make_tiles(u, s, w, tiles);
  for (int i = 0; i < count; i++) turn_queries(u, &tiles[i]);
  for (int p = 0; p < panels; p++) {
    const int *cell = s->cell + p * CELLS;
    fetch_keys(a, keys, cell);
    if (a->type == TK_F32) turn_keys(TK_F32, a, keys, cell, w->keys);
    else turn_keys(TK_F16, a, keys, cell, w->keys);
    for (int i = 0; i < count; i++) score_panel(u, &tiles[i], p, panels, w->keys);
  }
  for (int i = 0, listed = -1; i < count; i++) {
    const tile *t = &tiles[i];
    for (int r = 0; r < t->queries; r++) {
      const int row = row_of(u, t->first + r);
      if (row != listed) list_biases(a, row, s, w->biases);
      listed = row;
      weigh(a, w->biases, s->cells, t->scores + (size_t)r * (size_t)panels * CELLS);
    }
    float sums[HALF];
    turn_weights(t, s->cells, w->weights, sums);
    if (a->type == TK_F32) sum_floats(u, s, t, w->weights, sums);
    else sum_halves(u, s, t, w->weights, sums);
  }
}

void TK_ATTEND(const tk_attention *a, int kv_head, int first, int last, uint8_t *base) {
  const unit u = {a, kv_head, first, a->heads / a->kv_heads};
  workspace w;
  lay_out(a, base, &w);
  find_seen(a, first, last, w.seen);
  for (int row = 0; row < last - first;) {
    const set s = find_set(a, row, last - first, &w);
    list_cells(&s, w.joined, panels_of(a));
    attend_set(&u, &s, &w);
    row = s.last;
  }
}
