// Which files of a folder are llama.cpp's libraries. Knows the names of every npm package and of a build by hand, and says in one
// sentence what is there and what is missing where they are not complete. Opens nothing.
import { NativeError } from '../errors.js';

/** The llama.cpp release whose headers the symbol tables and struct layouts follow. */
export const LLAMA_CPP_VERSION = 'v0.5.0';

/** Names of files in one folder. */
export interface LibraryFiles {
  readonly base: string;
  readonly ggml: string;
  readonly llama: string;
}

const REQUIRED = { base: 'ggml-base', ggml: 'ggml', llama: 'llama' } as const;

/**
 * `libllama.so`, and with the backend and the version that npm packages write into it: `libllama.vulkan.v0.5.0.so`. Windows has no
 * prefix; the linker's own versions of Linux (`libllama.so.0.5.0`) and macOS (`libllama.0.5.0.dylib`) are links to the same file.
 */
const LIBRARY =
  /^(?:lib)?(?<name>ggml-base|ggml|llama)(?:\.(?<backend>[a-z]+))?(?:\.v?[0-9][0-9.]*)?\.(?:so|dylib|dll)$/u;
/** A backend: what computes. `libggml-cpu-haswell.so`, `ggml-cuda.dll`. */
const BACKEND = /^(?:lib)?ggml-(?!base)[a-z0-9_.-]+\.(?:so|dylib|dll)$/u;
/** Of a folder that is none of llama.cpp's. */
const MAX_SHOWN_FILES = 6;

/**
 * @param folder for messages
 * @throws NativeError native.library_missing when one is missing, or when builds for several backends share the folder
 */
export function findLibraryFiles(folder: string, files: readonly string[]): LibraryFiles {
  const find = (wanted: string): string | undefined => {
    const found = files
      .flatMap((file) => {
        const { name, backend } = LIBRARY.exec(file)?.groups ?? {};
        return name === wanted ? [{ file, backend: backend ?? null }] : [];
      })
      .sort((a, b) => (a.file < b.file ? -1 : 1));
    const backends = new Set(found.map(({ backend }) => backend ?? 'none'));
    if (backends.size > 1)
      throw missing(
        `${folder} holds builds of ${wanted} for several backends (${found.map(({ file }) => file).join(', ')}); name a folder with one.`,
      );
    return found[0]?.file;
  };
  const base = find(REQUIRED.base);
  const ggml = find(REQUIRED.ggml);
  const llama = find(REQUIRED.llama);
  const hasBackend = files.some((file) => BACKEND.test(file));
  if (base !== undefined && ggml !== undefined && llama !== undefined && hasBackend)
    return { base, ggml, llama };
  const parts = [
    { what: REQUIRED.base, file: base },
    { what: REQUIRED.ggml, file: ggml },
    { what: REQUIRED.llama, file: llama },
    { what: 'a backend such as ggml-cpu', file: files.find((file) => BACKEND.test(file)) },
  ];
  const there = parts.flatMap(({ file }) => file ?? []);
  const gone = parts.filter(({ file }) => file === undefined).map(({ what }) => what);
  throw missing(
    `${folder} holds ${describe(there, files)} and lacks ${gone.join(', ')}. ` +
      `It must be a whole build of llama.cpp ${LLAMA_CPP_VERSION} as shared libraries.`,
  );
}

function describe(libraries: readonly string[], files: readonly string[]): string {
  if (libraries.length > 0) return libraries.join(', ');
  if (files.length === 0) return 'no files';
  const more = files.length > MAX_SHOWN_FILES ? `, and ${files.length - MAX_SHOWN_FILES} more` : '';
  return `none of the libraries (there are ${[...files].sort().slice(0, MAX_SHOWN_FILES).join(', ')}${more})`;
}

const missing = (message: string): NativeError => new NativeError('native.library_missing', message);
