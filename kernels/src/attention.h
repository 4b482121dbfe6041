// Softmax attention of many rows over cached keys and values: y = softmax(scale * q k^T + mask) v for each head, where several heads of q
// may share one of k and v. Computed by several threads that the caller brings.
//
// Arithmetic is f32 throughout; keys and values are widened exactly. A row's result depends neither on the rows beside it nor on the
// number of threads nor on where its cells lie: they are taken in their order, and cells whose mask is minus infinity count for nothing,
// whatever lies in them. An infinity or a NaN reaches the rows that see it, and no other.
#ifndef TAKEOFF_ATTENTION_H
#define TAKEOFF_ATTENTION_H

#include "kernel.h"

#include <stdatomic.h>

typedef struct tk_attention {
  const tk_isa *isa;
  tk_type type;           // of k and v: f32 or f16
  int width, value_width; // values of a head of q and k, and of v; multiples of 16
  int rows, heads, kv_heads, cells;
  float scale;
  // Values of a head lie side by side; rows, cells and heads are this many bytes apart.
  const uint8_t *q, *k, *v;
  size_t q_row, q_head, k_cell, k_head, v_cell, v_head;
  const uint8_t *mask; // f16, one value a cell, added to the scores of a row; NULL for none
  size_t mask_row;
  float *y; // distances in floats
  size_t y_row, y_head;
  uint8_t *workspace; // tk_attention_bytes for each thread, aligned to 64
  atomic_int next_unit;
} tk_attention;

bool tk_can_attend(const tk_isa *isa, tk_type type, int width, int value_width);
// Bytes that one thread needs.
size_t tk_attention_bytes(const tk_attention *a);
// Before any thread runs.
void tk_attention_start(tk_attention *a);
// Once on each thread.
void tk_attention_run(tk_attention *a, int thread);

// What an instruction set brings: the rows from `first` to `last`, that one excluded, of all heads that share one of k and v: at most
// TK_ATTENTION_QUERIES queries, a query being one row of one head, or one row.
#define TK_ATTENTION_QUERIES 48
void tk_attend_512(const tk_attention *a, int kv_head, int first, int last, uint8_t *workspace);
size_t tk_attention_bytes_512(const tk_attention *a);
void tk_attend_256(const tk_attention *a, int kv_head, int first, int last, uint8_t *workspace);
size_t tk_attention_bytes_256(const tk_attention *a);

#endif
