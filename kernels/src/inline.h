// How small functions and short loops are made to disappear into what calls them, and loops that fill the register file are kept out of
// what has registers of its own to keep: they would not stay registers otherwise.
#ifndef TAKEOFF_INLINE_H
#define TAKEOFF_INLINE_H

#define INLINE static inline __attribute__((always_inline))
#define ALONE static __attribute__((noinline))

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#endif
