// What the library shows to whoever loads it. Calls come from one thread, in this order: choose, test each type, open once; those of limits and groups at any time.
#include "backend.h"
#include "limits.h"
#include "product.h"

#if defined(_WIN32)
#define SHOWN __declspec(dllexport)
#else
#define SHOWN __attribute__((visibility("default")))
#endif

static const tk_isa *chosen;

// The name of the best instruction set of this processor, or of the one `wanted` names if the processor has it; NULL if there is none.
SHOWN const char *takeoff_kernels_choose(const char *wanted) {
  chosen = tk_choose_isa(wanted);
  return chosen == NULL ? NULL : chosen->name;
}

// Whether products of a ggml type, and attention, come out as plain C computes them. Some milliseconds.
SHOWN bool takeoff_kernels_test(int type) {
  return chosen != NULL && tk_is_type(type) && tk_self_test(chosen, (tk_type)type) && tk_self_test_attention(chosen);
}

// Rows that products with weights of a ggml type compute together; rows beyond a multiple of it cost as much as all of the next.
SHOWN int takeoff_kernels_row_group(int type) { return chosen == NULL || !tk_is_type(type) ? 1 : tk_row_group(chosen, (tk_type)type); }

// The ggml_backend_reg_t to register, or NULL when ggml's tensors are not what this library was written for.
// cpu: the CPU's ggml_backend_dev_t. threadpool: a ggml_threadpool that lives as long as the process. tensor_overhead: what
// ggml_tensor_overhead() returns. loaded_types: types of weights that llama.cpp may place here, a bit for each ggml type.
SHOWN void *takeoff_kernels_open(void *cpu, void *threadpool, size_t tensor_overhead, uint64_t loaded_types) {
  if (chosen == NULL || tensor_overhead != GGML_OBJECT_BYTES + sizeof(tk_ggml_tensor)) return NULL;
  const tk_backend_options options = {chosen, loaded_types, cpu, threadpool};
  return tk_open_backend(&options);
}

// The ggml_backend_buffer_type_t for matrices that only products read.
SHOWN void *takeoff_kernels_buffer_type(void) { return tk_weights_buffer_type(); }

// See limits.h; on any thread, at any time.
SHOWN double takeoff_kernels_limit(int limit, uint64_t rounds) { return tk_limit_operations(limit, rounds); }
SHOWN uint64_t takeoff_kernels_read(const uint64_t *memory, size_t bytes) { return tk_limit_read(memory, bytes); }
