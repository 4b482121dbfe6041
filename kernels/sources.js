// What the library is made of. Files with instructions that not every processor has are compiled for them (`-mcpu`), the others for the
// oldest processor of their architecture; which of them run is decided when the library is loaded (src/dispatch.c).
const COMMON = [
  'layout',
  'product',
  'attention',
  'dispatch',
  'reference',
  'self-test',
  'weights',
  'backend',
  'limits',
  'library',
];

/** File name without .c, and Zig's name of the processor. */
export const SOURCES = {
  x64: [
    ...COMMON.map((name) => ({ name, cpu: 'x86_64', flags: [] })),
    { name: 'avx2', cpu: 'x86_64_v3', flags: [] },
    { name: 'avxvnni', cpu: 'x86_64_v3+avxvnni', flags: [] },
    { name: 'attention256', cpu: 'x86_64_v3', flags: [] },
    // Loops would get 256-bit vectors otherwise.
    { name: 'avx512', cpu: 'x86_64_v4+avx512vnni', flags: ['-mprefer-vector-width=512'] },
    { name: 'attention512', cpu: 'x86_64_v4', flags: ['-mprefer-vector-width=512'] },
    { name: 'avx512bf16', cpu: 'x86_64_v4+avx512vnni+avx512bf16', flags: ['-mprefer-vector-width=512'] },
  ],
  arm64: [
    ...COMMON.map((name) => ({ name, cpu: 'generic', flags: [] })),
    { name: 'dotprod', cpu: 'generic+dotprod', flags: [] },
    { name: 'i8mm', cpu: 'generic+dotprod+i8mm', flags: [] },
  ],
};
