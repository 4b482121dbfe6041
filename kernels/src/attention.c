// See attention.h. A unit of work is a head of k and v and as many rows as use it together.
#include "attention.h"

static int ceil_div(int a, int b) { return (a + b - 1) / b; }

static int unit_rows(const tk_attention *a) {
  const int rows = TK_ATTENTION_QUERIES / (a->heads / a->kv_heads);
  return rows < 1 ? 1 : rows;
}

bool tk_can_attend(const tk_isa *isa, tk_type type, int width, int value_width) {
  return isa->attend != NULL && (type == TK_F32 || type == TK_F16) && width % 16 == 0 && value_width % 16 == 0;
}

size_t tk_attention_bytes(const tk_attention *a) { return a->isa->attention_bytes(a); }

void tk_attention_start(tk_attention *a) { atomic_init(&a->next_unit, 0); }

void tk_attention_run(tk_attention *a, int thread) {
  const int rows = unit_rows(a), chunks = ceil_div(a->rows, rows);
  uint8_t *workspace = a->workspace + (size_t)thread * tk_attention_bytes(a);
  for (int u; (u = atomic_fetch_add_explicit(&a->next_unit, 1, memory_order_relaxed)) < chunks * a->kv_heads;) {
    const int first = u % chunks * rows, last = first + rows < a->rows ? first + rows : a->rows;
    a->isa->attend(a, u / chunks, first, last, workspace);
  }
}
