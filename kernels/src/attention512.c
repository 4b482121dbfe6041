// Attention for AVX-512. Queries of a unit are taken in tiles of 12 that see nearly the same cells. For each panel of 32 cells that a tile
// sees, the keys are turned so that a register holds one value of 16 cells; scores of a tile are kept whole, become weights, and are
// multiplied with the values as they lie.
#include "attention.h"
#include "wide-512.h"

#include <math.h>
#include <string.h>

enum { TILE = 12, CELLS = 32, MAX_TILES = TK_ATTENTION_QUERIES };

typedef struct {
  int first, queries; // of the unit
  int panels;         // that it sees
  int *panel;
  float *q, *scores; // [width][12] and [query][panels * 32]
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

size_t tk_attention_bytes_512(const tk_attention *a) {
  return visible_bytes(a) + list_bytes(a) + query_bytes(a) + score_bytes(a) + weight_bytes(a) + key_bytes(a);
}

INLINE int smaller(int a, int b) { return a < b ? a : b; }
INLINE int row_of(const unit *u, int query) { return u->first_row + query / u->group; }
INLINE int head_of(const unit *u, int query) { return u->kv_head * u->group + query % u->group; }

// The cells of a panel whose mask is not minus infinity.
INLINE __mmask32 seen_cells(const tk_attention *a, int row, int panel) {
  const int count = smaller(CELLS, a->cells - panel * CELLS);
  const __mmask32 exists = count == CELLS ? 0xffffffffu : (1u << count) - 1;
  if (a->mask == NULL) return exists;
  const uint8_t *p = a->mask + (size_t)row * a->mask_row + (size_t)panel * CELLS * 2;
  return _mm512_mask_cmpneq_epi16_mask(exists, _mm512_maskz_loadu_epi16(exists, p), _mm512_set1_epi16((short)0xfc00));
}

static void find_visible(const tk_attention *a, int first, int last, uint8_t *visible) {
  const int panels = panels_of(a);
  for (int row = first; row < last; row++)
    for (int p = 0; p < panels; p++) visible[(size_t)(row - first) * (size_t)panels + (size_t)p] = seen_cells(a, row, p) != 0;
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

// 16 registers of 16 values: rows `at` bytes apart, turned.
INLINE void turn(const tk_type type, const uint8_t *p, size_t at, int count, __m512i *v) {
  UNROLL
  for (int i = 0; i < 16; i++)
    v[i] = i >= count ? _mm512_setzero_si512()
           : type == TK_F32 ? _mm512_loadu_si512(p + (size_t)i * at)
                            : _mm512_castps_si512(halves(p + (size_t)i * at));
  transpose(v);
}

// Keys of a panel as [width][32].
INLINE void turn_keys(const tk_type type, const tk_attention *a, int kv_head, int panel, float *out) {
  const size_t bytes = type == TK_F32 ? 4 : 2;
  for (int half = 0; half < 2; half++) {
    const int first = panel * CELLS + half * HALF;
    const uint8_t *p = a->k + (size_t)first * a->k_cell + (size_t)kv_head * a->k_head;
    for (int i = 0; i < a->width; i += 16) {
      __m512i v[16];
      turn(type, p + (size_t)i * bytes, a->k_cell, a->cells - first, v);
      UNROLL
      for (int j = 0; j < 16; j++) _mm512_storeu_si512(out + (size_t)(i + j) * CELLS + half * HALF, v[j]);
    }
  }
}

// Queries of a tile as [width][12].
static void turn_queries(const unit *u, const tile *t) {
  for (int i = 0; i < u->a->width; i += 16) {
    __m512i v[16];
    for (int r = 0; r < 16; r++) {
      const int query = t->first + r;
      v[r] = r >= t->queries ? _mm512_setzero_si512()
                             : _mm512_loadu_si512(u->a->q + (size_t)row_of(u, query) * u->a->q_row + (size_t)head_of(u, query) * u->a->q_head + (size_t)i * 4);
    }
    transpose(v);
    for (int j = 0; j < 16; j++) _mm512_mask_storeu_epi32(t->q + (size_t)(i + j) * TILE, (1u << TILE) - 1, v[j]);
  }
}

INLINE void add_step(const int rows, panel_values w, const float *x, panel_values *total) {
  UNROLL
  for (int r = 0; r < rows; r++) {
    const __m512 v = _mm512_set1_ps(x[r]);
    total[r].left = _mm512_fmadd_ps(w.left, v, total[r].left);
    total[r].right = _mm512_fmadd_ps(w.right, v, total[r].right);
  }
}

INLINE void clear(const int rows, panel_values *total) {
  UNROLL
  for (int r = 0; r < rows; r++) total[r].left = total[r].right = _mm512_setzero_ps();
}

INLINE void score_rows(const int rows, const unit *u, const tile *t, int place, const float *keys) {
  panel_values total[TILE];
  clear(rows, total);
  for (int i = 0; i < u->a->width; i++) add_step(rows, widen(TK_F32, (const uint8_t *)(keys + (size_t)i * CELLS)), t->q + (size_t)i * TILE, total);
  UNROLL
  for (int r = 0; r < rows; r++)
    if (r < t->queries) store_columns(total[r].left, total[r].right, t->scores + (size_t)(r * t->panels + place) * CELLS, CELLS);
}

static void score_panel(const unit *u, const tile *t, int place, const float *keys) {
  if (t->queries == 1) score_rows(1, u, t, place, keys);
  else if (t->queries <= 4) score_rows(4, u, t, place, keys);
  else if (t->queries <= 8) score_rows(8, u, t, place, keys);
  else score_rows(TILE, u, t, place, keys);
}

// e^x for x <= 0 within 2 units in the last place; 0 below -104, and NaN of NaN. x = n ln 2 + r, and e^r by its series to r^6.
INLINE __m512 exponential(__m512 x) {
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), 8);
  const __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(1.42860677e-6f), _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693145752f), x));
  __m512 p = _mm512_set1_ps(1.f / 720);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.f / 120));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.f / 24));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.f / 6));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(.5f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1));
  return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, _mm512_set1_ps(-104), _CMP_NLT_UQ), p, n);
}

// Scores of one query become weights; returns what they must be divided by.
static float weigh(const tk_attention *a, int row, const tile *t, float *scores) {
  const __m512 scale = _mm512_set1_ps(a->scale), nothing = _mm512_set1_ps(-INFINITY);
  __m512 top = nothing, sum = _mm512_setzero_ps();
  for (int place = 0; place < t->panels; place++) {
    const __mmask32 seen = seen_cells(a, row, t->panel[place]);
    for (int half = 0; half < 2; half++) {
      float *at = scores + place * CELLS + half * HALF;
      const __mmask16 own = (__mmask16)(seen >> (half * HALF));
      __m512 s = _mm512_mul_ps(_mm512_loadu_ps(at), scale);
      if (a->mask != NULL) {
        const uint8_t *p = a->mask + (size_t)row * a->mask_row + (size_t)(t->panel[place] * CELLS + half * HALF) * 2;
        s = _mm512_add_ps(s, _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(own, p)));
      }
      s = _mm512_mask_mov_ps(nothing, own, s);
      top = _mm512_max_ps(top, s);
      _mm512_storeu_ps(at, s);
    }
  }
  const float most = _mm512_reduce_max_ps(top);
  const __m512 offset = _mm512_set1_ps(most == -INFINITY ? 0 : most);
  for (int i = 0; i < t->panels * CELLS; i += HALF) {
    const __m512 e = exponential(_mm512_sub_ps(_mm512_loadu_ps(scores + i), offset));
    sum = _mm512_add_ps(sum, e);
    _mm512_storeu_ps(scores + i, e);
  }
  return _mm512_reduce_add_ps(sum);
}

// Weights of a tile as [cell][12].
static void turn_weights(const tile *t, float *out) {
  for (int i = 0; i < t->panels * CELLS; i += 16) {
    __m512i v[16];
    for (int r = 0; r < 16; r++)
      v[r] = r < t->queries ? _mm512_loadu_si512(t->scores + (size_t)r * (size_t)t->panels * CELLS + i) : _mm512_setzero_si512();
    transpose(v);
    for (int j = 0; j < 16; j++) _mm512_mask_storeu_epi32(out + (size_t)(i + j) * TILE, (1u << TILE) - 1, v[j]);
  }
}

INLINE panel_values load_value(const tk_type type, const uint8_t *p, int columns) {
  if (columns >= CELLS) return widen(type, p);
  return (panel_values){type == TK_F32 ? _mm512_loadu_ps(p) : halves(p), _mm512_setzero_ps()};
}

INLINE bool is_finite(panel_values v) { return (_mm512_fpclass_ps_mask(v.left, 0x99) | _mm512_fpclass_ps_mask(v.right, 0x99)) == 0; }

// The values that a tile's queries see, weighted. What is not finite may be behind another query's mask, so each query then skips
// what has no weight for it.
INLINE void add_values_of(const int rows, const tk_type type, const unit *u, const tile *t, const float *weights, int column, panel_values *total) {
  const tk_attention *a = u->a;
  const uint8_t *values = a->v + (size_t)u->kv_head * a->v_head + (size_t)column * (type == TK_F32 ? 4 : 2);
  for (int place = 0; place < t->panels; place++) {
    const int first = t->panel[place] * CELLS, count = smaller(CELLS, a->cells - first);
    for (int i = 0; i < count; i++) {
      const float *w = weights + (size_t)(place * CELLS + i) * TILE;
      const panel_values v = load_value(type, values + (size_t)(first + i) * a->v_cell, a->value_width - column);
      if (is_finite(v)) {
        add_step(rows, v, w, total);
        continue;
      }
      UNROLL
      for (int r = 0; r < rows; r++)
        if (w[r] != 0) {
          total[r].left = _mm512_fmadd_ps(v.left, _mm512_set1_ps(w[r]), total[r].left);
          total[r].right = _mm512_fmadd_ps(v.right, _mm512_set1_ps(w[r]), total[r].right);
        }
    }
  }
}

INLINE void sum_rows(const int rows, const tk_type type, const unit *u, const tile *t, const float *weights, const float *divisors) {
  const tk_attention *a = u->a;
  for (int column = 0; column < a->value_width; column += CELLS) {
    panel_values total[TILE];
    clear(rows, total);
    add_values_of(rows, type, u, t, weights, column, total);
    UNROLL
    for (int r = 0; r < rows; r++)
      if (r < t->queries) {
        const int query = t->first + r;
        const __m512 divisor = _mm512_set1_ps(divisors[r] == 0 ? 1 : divisors[r]);
        store_columns(_mm512_div_ps(total[r].left, divisor), _mm512_div_ps(total[r].right, divisor),
                      a->y + (size_t)row_of(u, query) * a->y_row + (size_t)head_of(u, query) * a->y_head + column, a->value_width - column);
      }
  }
}

INLINE void sum_tile(const tk_type type, const unit *u, const tile *t, const float *weights, const float *divisors) {
  if (t->queries == 1) sum_rows(1, type, u, t, weights, divisors);
  else if (t->queries <= 4) sum_rows(4, type, u, t, weights, divisors);
  else if (t->queries <= 8) sum_rows(8, type, u, t, weights, divisors);
  else sum_rows(TILE, type, u, t, weights, divisors);
}

static void finish_tile(const unit *u, const tile *t, float *weights) {
  float divisors[TILE];
  for (int r = 0; r < t->queries; r++)
    divisors[r] = weigh(u->a, row_of(u, t->first + r), t, t->scores + (size_t)r * (size_t)t->panels * CELLS);
  turn_weights(t, weights);
  if (u->a->type == TK_F32) sum_tile(TK_F32, u, t, weights, divisors);
  else sum_tile(TK_F16, u, t, weights, divisors);
}

void tk_attend_512(const tk_attention *a, int kv_head, int first, int last, uint8_t *workspace) {
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
      if (!is_turned && a->type == TK_F32) turn_keys(TK_F32, a, kv_head, p, keys);
      else if (!is_turned) turn_keys(TK_F16, a, kv_head, p, keys);
      is_turned = true;
      score_panel(&u, &tiles[i], next[i]++, keys);
    }
  }
  for (int i = 0; i < count; i++) finish_tile(&u, &tiles[i], weights);
}
