// A whole product, computed by several threads that the caller brings. Each of them calls tk_product_run with its own index at about
// the same time; the calls return when the caller's part is done, and the product is complete when all have returned.
#ifndef TAKEOFF_PRODUCT_H
#define TAKEOFF_PRODUCT_H

#include "kernel.h"

#include <stdatomic.h>

typedef struct {
  const tk_isa *isa;
  tk_type type;
  int m, n, k;
  const float *x; // rows x_stride floats apart
  size_t x_stride;
  const void *w; // packed by tk_pack
  float *y;      // rows y_stride floats apart
  size_t y_stride;
  uint8_t *workspace; // tk_workspace_bytes, aligned to 64
  bool is_packed;     // the workspace holds x already, packed by a product with the same isa, x and kind of weights
  int threads;
  // Shared by the threads; tk_product_start sets them.
  atomic_int next_tile, tiles_packed, next_panel;
} tk_product;

// The kind of packed activations: products of one kind can share them.
int tk_packing(const tk_isa *isa, tk_type type);
size_t tk_workspace_bytes(const tk_isa *isa, tk_type type, int m, int k);
// Before any thread runs.
void tk_product_start(tk_product *p);
// Once on each of p->threads threads. Waits, spinning, until all rows of x are packed, whoever packs them.
void tk_product_run(tk_product *p);

// The best instruction set of this processor, or NULL where there are no kernels for it. `wanted` names one; it is returned only
// where this processor has it. TK_COUNT of them exist in this build, best first.
const tk_isa *tk_choose_isa(const char *wanted);
int tk_isa_count(void);
const tk_isa *tk_isa_at(int index);
bool tk_isa_runs_here(const tk_isa *isa);

// Compares a chosen instruction set with plain C on small products of a type. True when they agree.
bool tk_self_test(const tk_isa *isa, tk_type type);
// The same for attention, where the instruction set has it.
bool tk_self_test_attention(const tk_isa *isa);

#endif
