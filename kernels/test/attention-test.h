// Part of the tests of kernel-test.c.
#ifndef TAKEOFF_ATTENTION_TEST_H
#define TAKEOFF_ATTENTION_TEST_H

#include "../src/kernel.h"

typedef struct {
  int done, failed;
} attention_checks;

// None where the instruction set has no attention. Prints a line for each check that fails.
attention_checks check_attention(const tk_isa *isa);

#endif
