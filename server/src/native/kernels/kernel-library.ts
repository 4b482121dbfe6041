// Finds the library of our own CPU kernels (kernels/ at the root of the repository) and opens it, if it is the one that the manifest
// names. The functions it shows are those of kernels/src/library.c.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import koffi, { type LibraryHandle } from 'koffi';
import { z } from 'zod';
import { NativeError } from '../../errors.js';
import { bind } from '../symbols/bind.js';
import type { Pointer } from '../symbols/structs.js';

/** The same from server/src and from server/dist. */
const PREBUILT = fileURLToPath(new URL('../../../../kernels/prebuilt/', import.meta.url));

const manifestSchema = z.object({
  libraries: z.record(z.string(), z.object({ file: z.string(), sha256: z.string() })),
});

/** @throws NativeError native.library_missing, native.library_mismatch */
export function openKernelLibrary(folder = PREBUILT, platform = platformName()) {
  const entry = readManifest(folder).libraries[platform];
  if (entry === undefined)
    throw new NativeError('native.library_missing', `there are no kernels for ${platform}`);
  const file = path.join(folder, platform, entry.file);
  if (hashOf(file) !== entry.sha256)
    throw new NativeError('native.library_mismatch', `${file} is not the library that the manifest names`);
  return bindKernels(load(file));
}

export type KernelLibrary = ReturnType<typeof bindKernels>;

function bindKernels(library: LibraryHandle) {
  return {
    /** Name of the best instruction set, or of the wanted one; null when this processor has none. */
    choose: bind<[string | null], string | null>(
      library,
      'const char *takeoff_kernels_choose(const char *wanted)',
    ),
    /** Compares products of a ggml type with plain C; some milliseconds. */
    test: bind<[number], boolean>(library, 'bool takeoff_kernels_test(int type)'),
    /** Rows that products with weights of a ggml type compute together. */
    rowGroup: bind<[number], number>(library, 'int takeoff_kernels_row_group(int type)'),
    /** The registry to give to ggml; null when its tensors have another layout. Once in a process; the pool must outlive everything. */
    open: bind<[Pointer, Pointer, number, number], Pointer | null>(
      library,
      'void *takeoff_kernels_open(void *cpu, void *threadpool, size_t tensor_overhead, uint64_t loaded_types)',
    ),
    /** Static storage. */
    weightsBufferType: bind<[], Pointer>(library, 'void *takeoff_kernels_buffer_type()'),
    /** Does `rounds` rounds of the best multiply-add; how many operations they were, 0 without such an instruction. Thread-safe. */
    limit: bind<[number, number], number>(
      library,
      'double takeoff_kernels_limit(int limit, uint64_t rounds)',
    ),
    /** Reads the memory. Thread-safe. */
    read: bind<[Uint8Array, number], bigint>(
      library,
      'uint64_t takeoff_kernels_read(const uint8_t *memory, size_t bytes)',
    ),
  } as const;
}

function readManifest(folder: string) {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')));
  } catch (cause) {
    throw new NativeError('native.library_missing', `${folder} has no manifest that can be read`, { cause });
  }
}

function hashOf(file: string): string {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex');
  } catch (cause) {
    throw new NativeError('native.library_missing', `${file} cannot be read`, { cause });
  }
}

function load(file: string): LibraryHandle {
  try {
    return koffi.load(file);
  } catch (cause) {
    throw new NativeError('native.library_mismatch', `${file} cannot be loaded: ${String(cause)}`, { cause });
  }
}

function platformName(): string {
  const name = `${process.platform}-${process.arch}`;
  return process.platform === 'linux' && !hasGlibc() ? `${name}-musl` : name;
}

function hasGlibc(): boolean {
  // Looking up the names of open connections can take seconds. Node.js 20 has no such switch, newer ones do.
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}
