// See product.h. First the threads pack x, tile by tile; then they take units of work, some panels times a block of tiles whose packed
// rows fit in the second-level cache beside a panel. Which thread takes which unit does not change a result.
#include "product.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define PAUSE() _mm_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

// Of 512 KiB to 2 MiB that cores have.
#define CACHE_BYTES (320 * 1024)
// Of what is left, a thread takes this part of its share. Large units first, because a processor must find out anew what to fetch after
// each of them, and small ones last, so that a thread that is held up leaves work to the others and all end together.
#define SHARE_PARTS 2

static size_t tile_bytes(const tk_isa *isa, tk_type type, int k) {
  const size_t rows = (size_t)tk_rows(isa, type);
  const size_t values = (size_t)(tk_is_in_pairs(isa, type) ? (k + 1) / 2 : k);
  const size_t bytes = tk_is_quantised(type) ? (size_t)(k / TK_BLOCK) * rows * (TK_BLOCK + 12) : values * rows * 4;
  return (bytes + 63) / 64 * 64;
}

static int ceil_div(int a, int b) { return (a + b - 1) / b; }
static int smaller(int a, int b) { return a < b ? a : b; }

int tk_packing(const tk_isa *isa, tk_type type) {
  return tk_is_quantised(type) || tk_is_in_pairs(isa, type) ? (int)type : -1;
}

size_t tk_workspace_bytes(const tk_isa *isa, tk_type type, int m, int k) {
  return (size_t)ceil_div(m, tk_rows(isa, type)) * tile_bytes(isa, type, k);
}

void tk_product_start(tk_product *p) {
  atomic_init(&p->next_tile, 0);
  atomic_init(&p->tiles_packed, 0);
  atomic_init(&p->next_panel, 0);
}

static void pack_tiles(tk_product *p) {
  const int rows = tk_rows(p->isa, p->type), tiles = ceil_div(p->m, rows);
  const size_t bytes = tile_bytes(p->isa, p->type, p->k);
  for (int t; (t = atomic_fetch_add_explicit(&p->next_tile, 1, memory_order_relaxed)) < tiles;) {
    p->isa->pack_rows(p->type, p->x + (size_t)t * (size_t)rows * p->x_stride, p->x_stride, smaller(rows, p->m - t * rows), p->k,
                      p->workspace + (size_t)t * bytes);
    atomic_fetch_add_explicit(&p->tiles_packed, 1, memory_order_release);
  }
  while (atomic_load_explicit(&p->tiles_packed, memory_order_acquire) < tiles) PAUSE();
}

static void multiply_panel(const tk_product *p, int panel, int first_tile, int last_tile) {
  const int rows = tk_rows(p->isa, p->type), columns = tk_panel(p->isa, p->type);
  const size_t bytes = tile_bytes(p->isa, p->type, p->k);
  const uint8_t *w = (const uint8_t *)p->w + (size_t)panel * tk_panel_bytes(p->isa, p->type, p->k);
  const int cols = smaller(columns, p->n - panel * columns);
  for (int t = first_tile; t < last_tile; t++)
    p->isa->multiply(p->type, p->workspace + (size_t)t * bytes, w, p->k,
                     p->y + (size_t)t * (size_t)rows * p->y_stride + (size_t)panel * (size_t)columns, p->y_stride,
                     smaller(rows, p->m - t * rows), cols);
}

// Panels of one block of tiles that a thread takes next; returns the first and writes the end, which is not after it where none are left.
static int take_panels(tk_product *p, int blocks, int panels, int *end) {
  const int all = blocks * panels;
  int first = atomic_load_explicit(&p->next_panel, memory_order_relaxed);
  do {
    const int part = (all - first) / (SHARE_PARTS * p->threads), left = panels - first % panels;
    *end = first + (first >= all ? 0 : smaller(part < 1 ? 1 : part, left));
  } while (*end > first && !atomic_compare_exchange_weak_explicit(&p->next_panel, &first, *end, memory_order_relaxed, memory_order_relaxed));
  return first;
}

void tk_product_run(tk_product *p) {
  if (p->m == 0 || p->n == 0) return;
  if (!p->is_packed) pack_tiles(p);
  const int tiles = ceil_div(p->m, tk_rows(p->isa, p->type)), panels = ceil_div(p->n, tk_panel(p->isa, p->type));
  const int fitting = (int)(CACHE_BYTES / tile_bytes(p->isa, p->type, p->k));
  const int blocks = ceil_div(tiles, fitting < 1 ? 1 : fitting), block_tiles = ceil_div(tiles, blocks);
  for (int next, end; (next = take_panels(p, blocks, panels, &end)) < end;) {
    const int first = next / panels * block_tiles, last = smaller(first + block_tiles, tiles);
    for (; next < end; next++) multiply_panel(p, next % panels, first, last);
  }
}
