// The kernels as a device of ggml. library.c opens it.
#ifndef TAKEOFF_BACKEND_H
#define TAKEOFF_BACKEND_H

#include "ggml-abi.h"
#include "kernel.h"

typedef struct {
  const tk_isa *isa;
  // Types of weights that llama.cpp's loader may place here, a bit for each tk_type. Other types of kernel.h are computed where
  // they are here all the same.
  uint64_t loaded_types;
  tk_ggml_device *cpu;
  // The ggml_threadpool of the process, which outlives every backend.
  void *threadpool;
} tk_backend_options;

// Fills the registry and devices of this process. Not to be called twice.
tk_ggml_registry *tk_open_backend(const tk_backend_options *options);
// Where matrices lie packed; valid once the backend is open.
tk_ggml_buffer_type *tk_weights_buffer_type(void);

#endif
