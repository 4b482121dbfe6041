// Plain C, one value after the other, straight from ggml's formats: what every kernel is measured against.
#ifndef TAKEOFF_REFERENCE_H
#define TAKEOFF_REFERENCE_H

#include "kernel.h"

// A row of ggml's format as numbers; exact.
void tk_dequantise_row(tk_type type, const void *row, int k, float *out);

// x as kernels see it: rounded to 8 bits a block for quantised weights, to bf16 where the instruction set does that, else as it is.
void tk_round_row(const tk_isa *isa, tk_type type, const float *x, int k, float *out);

// One value of y from rounded x and exact weights, summed in f64.
double tk_dot(const float *x, const float *w, int k);

// The largest numbers that a kernel adds up to get a weight's share: |w|, but for q4_K what its minimum is taken from, and the minimum.
void tk_magnitude_row(tk_type type, const void *row, int k, float *out);

// How far a kernel may be from tk_dot, given the sum of |x| times tk_magnitude_row: each of its f32 additions and multiplications rounds
// by 2^-24 of what is there, in whatever order.
double tk_tolerance(const tk_isa *isa, tk_type type, int k, double magnitude);

#endif
