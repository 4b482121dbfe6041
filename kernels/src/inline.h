// How small functions and short loops are made to disappear into what calls them: registers would not stay registers otherwise.
#ifndef TAKEOFF_INLINE_H
#define TAKEOFF_INLINE_H

#define INLINE static inline __attribute__((always_inline))

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

#endif
