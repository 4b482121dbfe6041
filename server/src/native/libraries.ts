// Opens the llama.cpp shared libraries of a folder. Which folder that is, gpu/builds.ts knows. Loads nothing but libraries of the
// one version that the symbol tables were written for.
import { readdirSync } from 'node:fs';
import path from 'node:path';
import koffi, { type LibraryHandle } from 'koffi';
import { NativeError } from '../errors.js';
import { findLibraryFiles } from './library-files.js';

export interface Libraries {
  readonly folder: string;
  readonly base: LibraryHandle;
  readonly ggml: LibraryHandle;
  readonly llama: LibraryHandle;
}

/** Opens the libraries of a folder. The system loads each once per process, so opening them again gives the same ones. */
export function openLibrariesIn(folder: string): Libraries {
  const files = findLibraryFiles(folder, listFolder(folder));
  return {
    folder,
    // Order matters: each library needs the ones before it.
    base: openOne(folder, files.base),
    ggml: openOne(folder, files.ggml),
    llama: openOne(folder, files.llama),
  };
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new NativeError(
      'native.library_missing',
      `The folder of llama.cpp's libraries cannot be read: ${folder}`,
      { cause },
    );
  }
}

function openOne(folder: string, file: string): LibraryHandle {
  try {
    return koffi.load(path.join(folder, file));
  } catch (cause) {
    throw new NativeError(
      'native.library_mismatch',
      `${file} in ${folder} cannot be loaded: ${String(cause)}`,
      { cause },
    );
  }
}
