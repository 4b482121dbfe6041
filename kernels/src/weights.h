// The buffers in which matrices lie packed.
#ifndef TAKEOFF_WEIGHTS_H
#define TAKEOFF_WEIGHTS_H

#include "ggml-abi.h"
#include "kernel.h"

// Before anything else of this file. The memory itself comes from the CPU device.
void tk_open_weights(const tk_isa *isa, tk_ggml_device *owner, tk_ggml_device *cpu);
// Whether a tensor lies in such a buffer.
bool tk_is_packed(const tk_ggml_tensor *tensor);
// Whether it could: a whole matrix of one of kernel.h's types.
bool tk_can_pack(const tk_ggml_tensor *tensor);

#endif
