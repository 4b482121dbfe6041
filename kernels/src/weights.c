// Packs what is written into these buffers and unpacks what is read, so that for everybody else a tensor holds what was put there. The
// loader writes each tensor once and whole; parts work too, at the price of unpacking the rest.
#define _DEFAULT_SOURCE // madvise

#include "weights.h"

#include "backend.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#define LARGE_PAGE ((uintptr_t)2 << 20)

static const tk_isa *isa;
static tk_ggml_device *cpu_device;
static tk_ggml_buffer_type buffer_type;

bool tk_is_packed(const tk_ggml_tensor *tensor) {
  const tk_ggml_buffer *buffer = tensor->view_src != NULL ? tensor->view_src->buffer : tensor->buffer;
  return buffer != NULL && buffer->type == &buffer_type;
}

bool tk_can_pack(const tk_ggml_tensor *tensor) {
  if (!tk_is_type(tensor->type) || tensor->view_src != NULL || tensor->ne[2] != 1 || tensor->ne[3] != 1) return false;
  return tensor->ne[0] % tk_unit_weights((tk_type)tensor->type) == 0 && tensor->ne[0] < INT_MAX && tensor->ne[1] < INT_MAX - TK_MAX_PANEL;
}

static size_t plain_bytes(const tk_ggml_tensor *tensor) { return tensor->nb[3] * (size_t)tensor->ne[3]; }

static size_t packed_bytes(tk_ggml_buffer_type *type, const tk_ggml_tensor *tensor) {
  (void)type;
  if (!tk_can_pack(tensor)) return plain_bytes(tensor);
  const int panel = tk_panel(isa, (tk_type)tensor->type), n = (int)tensor->ne[1];
  return tk_panel_bytes(isa, (tk_type)tensor->type, (int)tensor->ne[0]) * (size_t)((n + panel - 1) / panel);
}

static void pack(tk_ggml_tensor *tensor, const void *rows) {
  tk_pack(isa, (tk_type)tensor->type, rows, (int)tensor->ne[1], (int)tensor->ne[0], tensor->data);
}
static void unpack(const tk_ggml_tensor *tensor, void *rows) {
  tk_unpack(isa, (tk_type)tensor->type, tensor->data, (int)tensor->ne[1], (int)tensor->ne[0], rows);
}

// A copy of a whole tensor as it was written. There is no way to tell ggml that memory is short.
static uint8_t *plain_copy(const tk_ggml_tensor *tensor) {
  uint8_t *rows = malloc(plain_bytes(tensor));
  if (rows == NULL) abort();
  unpack(tensor, rows);
  return rows;
}

static void set_tensor(tk_ggml_buffer *buffer, tk_ggml_tensor *tensor, const void *data, size_t offset, size_t bytes) {
  (void)buffer;
  if (!tk_can_pack(tensor)) {
    memcpy((char *)tensor->data + offset, data, bytes);
    return;
  }
  if (offset == 0 && bytes == plain_bytes(tensor)) {
    pack(tensor, data);
    return;
  }
  uint8_t *rows = plain_copy(tensor);
  memcpy(rows + offset, data, bytes);
  pack(tensor, rows);
  free(rows);
}

static void get_tensor(tk_ggml_buffer *buffer, const tk_ggml_tensor *tensor, void *data, size_t offset, size_t bytes) {
  (void)buffer;
  if (!tk_can_pack(tensor)) {
    memcpy(data, (const char *)tensor->data + offset, bytes);
    return;
  }
  uint8_t *rows = plain_copy(tensor);
  memcpy(data, rows + offset, bytes);
  free(rows);
}

// Asks for pages of 2 MiB where the system gives them only to those who ask: a step of one sequence reads all weights once, and with pages
// of 4 KiB each is looked up in a table first.
static void ask_for_large_pages(tk_ggml_buffer *buffer, size_t bytes) {
#if defined(__linux__)
  const uintptr_t start = (uintptr_t)buffer->get_base(buffer), first = (start + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
  const uintptr_t last = (start + bytes) / LARGE_PAGE * LARGE_PAGE;
  if (last > first) madvise((void *)first, last - first, MADV_HUGEPAGE); // refused where the kernel has none, which is no harm
#else
  (void)buffer, (void)bytes;
#endif
}

static tk_ggml_buffer *alloc_buffer(tk_ggml_buffer_type *type, size_t bytes) {
  tk_ggml_buffer_type *plain = cpu_device->get_buffer_type(cpu_device);
  tk_ggml_buffer *buffer = plain->alloc_buffer(plain, bytes);
  if (buffer == NULL) return NULL;
  ask_for_large_pages(buffer, bytes);
  buffer->type = type;
  buffer->set_tensor = set_tensor;
  buffer->get_tensor = get_tensor;
  buffer->memset_tensor = NULL;
  buffer->set_tensor_2d = NULL;
  buffer->get_tensor_2d = NULL;
  buffer->cpy_tensor = NULL;
  return buffer;
}

static const char *type_name(tk_ggml_buffer_type *type) {
  (void)type;
  return "Takeoff";
}
static size_t alignment(tk_ggml_buffer_type *type) {
  (void)type;
  return 64;
}
static bool is_host(tk_ggml_buffer_type *type) {
  (void)type;
  return false; // in the machine's memory, but nobody else may read it there
}

void tk_open_weights(const tk_isa *chosen, tk_ggml_device *owner, tk_ggml_device *cpu) {
  isa = chosen;
  cpu_device = cpu;
  buffer_type = (tk_ggml_buffer_type){type_name, alloc_buffer, alignment, NULL, packed_bytes, is_host, owner, NULL};
}

tk_ggml_buffer_type *tk_weights_buffer_type(void) { return &buffer_type; }
