// File lists of the npm packages with llama.cpp's libraries, as they were published, by name and version.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NativeError } from '../errors.js';
import { findLibraryFiles } from './library-files.js';

const PACKAGES = z
  .record(z.string(), z.array(z.string()))
  .parse(JSON.parse(readFileSync(new URL('./library-files.fixture.json', import.meta.url), 'utf8')));

function refusal(files: readonly string[]): string {
  try {
    findLibraryFiles('/libraries', files);
  } catch (error) {
    expect(error).toBeInstanceOf(NativeError);
    return String(error);
  }
  throw new TypeError('The folder was taken.');
}

describe('findLibraryFiles', () => {
  it.each([
    ['linux-x64@3.22.1', 'libggml-base.so', 'libggml.v0.5.0.so', 'libllama.v0.5.0.so'],
    ['linux-arm64@3.22.1', 'libggml-base.so', 'libggml.v0.5.0.so', 'libllama.v0.5.0.so'],
    ['linux-x64-vulkan@3.22.1', 'libggml-base.so', 'libggml.vulkan.v0.5.0.so', 'libllama.vulkan.v0.5.0.so'],
    ['linux-x64-cuda@3.22.1', 'libggml-base.so', 'libggml.cuda.v0.5.0.so', 'libllama.cuda.v0.5.0.so'],
    [
      'mac-arm64-metal@3.21.1',
      'libggml-base.dylib',
      'libggml.metal.v0.4.0.dylib',
      'libllama.metal.v0.4.0.dylib',
    ],
    ['mac-x64@3.21.1', 'libggml-base.dylib', 'libggml.v0.4.0.dylib', 'libllama.v0.4.0.dylib'],
    ['win-x64@3.21.1', 'ggml-base.dll', 'ggml.v0.4.0.dll', 'llama.v0.4.0.dll'],
    ['win-x64-vulkan@3.21.1', 'ggml-base.dll', 'ggml.vulkan.v0.4.0.dll', 'llama.vulkan.v0.4.0.dll'],
    ['win-x64-cuda@3.21.1', 'ggml-base.dll', 'ggml.cuda.v0.4.0.dll', 'llama.cuda.v0.4.0.dll'],
    ['win-arm64@3.21.1', 'ggml-base.dll', 'ggml.v0.4.0.dll', 'llama.v0.4.0.dll'],
  ])('finds the libraries of the package %s', (name, base, ggml, llama) => {
    expect(findLibraryFiles('/libraries', PACKAGES[name] ?? [])).toEqual({ base, ggml, llama });
  });

  it('finds the libraries of a build by hand, beside the links that its linker makes', () => {
    const files = ['libggml-base', 'libggml', 'libllama', 'libggml-cpu'].flatMap((name) => [
      `${name}.so`,
      `${name}.so.0`,
      `${name}.so.0.5.0`,
    ]);
    const found = { base: 'libggml-base.so', ggml: 'libggml.so', llama: 'libllama.so' };
    expect(findLibraryFiles('/libraries', [...files, 'llama-server', 'libllama-common.so'])).toEqual(found);
  });

  it('says what is there and what is missing of a partial build', () => {
    expect(refusal(['libggml-base.so', 'libggml.so', 'libggml-cpu.so', 'README.md'])).toContain(
      '/libraries holds libggml-base.so, libggml.so, libggml-cpu.so and lacks llama.',
    );
  });

  it('refuses a build without any backend, which could compute nothing', () => {
    expect(refusal(['libggml-base.so', 'libggml.so', 'libllama.so'])).toContain(
      'lacks a backend such as ggml-cpu',
    );
  });

  it('names files of a folder with none of the libraries, a few of many', () => {
    expect(refusal(['a.txt'])).toContain('none of the libraries (there are a.txt) and lacks ggml-base, ggml');
    expect(refusal(Array.from({ length: 9 }, (_, n) => `${n}.txt`))).toContain('5.txt, and 3 more');
    expect(refusal([])).toContain('holds no files and lacks');
  });

  it('refuses a folder with builds for two backends, whose libraries would be mixed', () => {
    const files = [...(PACKAGES['linux-x64@3.22.1'] ?? []), ...(PACKAGES['linux-x64-cuda@3.22.1'] ?? [])];
    expect(refusal(files)).toContain(
      'builds of ggml for several backends (libggml.cuda.v0.5.0.so, libggml.v0.5.0.so)',
    );
  });
});
