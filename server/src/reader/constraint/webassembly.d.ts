// The part of JavaScript's WebAssembly that this folder uses. TypeScript declares it with the DOM only, which no server has.
declare namespace WebAssembly {
  interface Module {
    /** Only for the type checker: a module is opaque. */
    readonly [Symbol.toStringTag]: 'WebAssembly.Module';
  }
  const Module: {
    new (bytes: Uint8Array<ArrayBuffer>): Module;
    imports(module: Module): { readonly module: string; readonly name: string }[];
  };

  type Imports = Record<string, Record<string, (...values: number[]) => unknown>>;
  type Exports = Readonly<Record<string, unknown>>;
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Exports;
  }

  class Memory {
    readonly buffer: ArrayBuffer;
    /** By so many pages of 64 KiB. */
    grow(pages: number): number;
  }

  class Table {
    /** Returns the length before. */
    grow(entries: number): number;
    set(index: number, value: unknown): void;
  }
}
