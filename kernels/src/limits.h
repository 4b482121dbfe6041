// What one thread of this processor can do at most.
#ifndef TAKEOFF_LIMITS_H
#define TAKEOFF_LIMITS_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  TK_LIMIT_INT8 = 0,
  TK_LIMIT_BF16 = 1, // of instructions that kernels use
  TK_LIMIT_F32 = 2,
} tk_limit;

// Does multiply-adds of the best instruction for `rounds` rounds and returns how many operations they were, a multiplication and an
// addition being two; 0 where this processor has no such instruction.
double tk_limit_operations(int limit, uint64_t rounds);
// Reads all of the memory but a remainder below 256 bytes, and returns what makes it necessary.
uint64_t tk_limit_read(const uint64_t *memory, size_t bytes);

#endif
