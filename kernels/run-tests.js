// Builds test/kernel-test.c and what belongs to it and runs it, in as many ways as this machine allows:
//   native     this processor's instruction sets, compiled as the libraries are
//   arm        the 64-bit ARM kernels in qemu (Debian qemu-user-static)
//   emulated   AVX-VNNI in portable C (GCC and Debian libsimde-dev)
//   sanitised  native with GCC's address and undefined-behaviour sanitisers
//   valgrind   native in valgrind
//
//   npm run kernels:test [-- native arm …]
//
// Without names, all of them; what a machine cannot do is said and left out. With names, that is an error.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { SOURCES } from './sources.js';
import { C_FLAGS, compile, installCompiler, KERNELS } from './zig.js';

const CACHE = path.join(KERNELS, '.cache');
const TESTS = ['kernel-test', 'attention-test'].map((name) => path.join(KERNELS, `test/${name}.c`));
const source = (name) => path.join(KERNELS, `src/${name}.c`);
const has = (program) => spawnSync(program, ['--version']).status === 0;
/** Zig's targets. */
const TARGETS = { x64: 'x86_64-linux-gnu.2.28', arm64: 'aarch64-linux-musl' };

const WAYS = {
  native: {
    missing: () => (process.arch === 'x64' && process.platform === 'linux' ? null : 'Linux on x64'),
    run: () => execute(buildWithZig('x64'), []),
  },
  arm: {
    missing: () => (has('qemu-aarch64-static') ? null : 'qemu-aarch64-static'),
    run: () => execute('qemu-aarch64-static', ['-cpu', 'max', buildWithZig('arm64')]),
  },
  emulated: {
    missing: () =>
      process.arch === 'x64' && has('gcc') && existsSync('/usr/include/simde/x86/avx512.h')
        ? null
        : 'x64, gcc and libsimde-dev',
    run: () => {
      const program = buildWithGcc('emulated', [], ['avxvnni']);
      return execute(program, ['avxvnni', 'emulated']);
    },
  },
  sanitised: {
    missing: () => (process.arch === 'x64' && has('gcc') ? null : 'x64 and gcc'),
    run: () =>
      execute(buildWithGcc('sanitised', ['-fsanitize=address,undefined', '-fno-sanitize-recover'], []), []),
  },
  valgrind: {
    missing: () => (process.arch === 'x64' && has('valgrind') ? null : 'x64 and valgrind'),
    // valgrind knows AVX2 and nothing newer, and hides the rest from programs.
    run: () => execute('valgrind', ['-q', '--error-exitcode=9', buildWithZig('x64')]),
  },
};

const named = process.argv.slice(2);
const unknown = named.find((name) => !(name in WAYS));
if (unknown !== undefined) fail(`${unknown} is no way of testing; there are ${Object.keys(WAYS).join(', ')}`);
mkdirSync(CACHE, { recursive: true });
for (const [name, way] of Object.entries(WAYS)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const missing = way.missing();
  if (missing !== null && named.length > 0) fail(`${name} needs ${missing}`);
  process.stdout.write(`--- ${name}${missing === null ? '' : `: left out, needs ${missing}`}\n`);
  if (missing === null && !way.run()) fail(`${name}: failed`);
}

/** For ARM without shared libraries, so that an emulator needs no other files. */
function buildWithZig(arch) {
  installCompiler();
  const base = ['-target', TARGETS[arch]];
  const objects = SOURCES[arch].map(({ name, cpu, flags }) => {
    const object = path.join(CACHE, `test-${arch}-${name}.o`);
    compile(CACHE, [...base, `-mcpu=${cpu}`, ...flags, ...C_FLAGS, '-c', source(name), '-o', object]);
    return object;
  });
  const program = path.join(CACHE, `kernel-test-${arch}`);
  const cpu = SOURCES[arch][0].cpu;
  const linking = TARGETS[arch].includes('musl') ? ['-static'] : [];
  compile(CACHE, [
    ...base,
    `-mcpu=${cpu}`,
    ...linking,
    ...C_FLAGS,
    '-O1',
    ...TESTS,
    ...objects,
    '-o',
    program,
  ]);
  return program;
}

/** @param emulated names of sources that are compiled with test/emulated/immintrin.h instead of the compiler's */
function buildWithGcc(name, flags, emulated) {
  const common = [...C_FLAGS, '-std=gnu11', '-O2', '-g', '-Wno-psabi', ...flags];
  const objects = SOURCES.x64.map((file) => {
    const object = path.join(CACHE, `${name}-${file.name}.o`);
    const special = emulated.includes(file.name)
      ? [`-I${path.join(KERNELS, 'test/emulated')}`]
      : {
          avx2: ['-march=haswell'],
          avxvnni: ['-march=haswell', '-mavxvnni'],
          avx512: ['-march=cascadelake'],
          avx512bf16: ['-march=cooperlake'],
          attention256: ['-march=haswell'],
          attention512: ['-march=cascadelake'],
        }[file.name];
    if (!execute('gcc', [...common, ...(special ?? []), '-c', source(file.name), '-o', object]))
      fail('gcc failed');
    return object;
  });
  const program = path.join(CACHE, `kernel-test-${name}`);
  if (!execute('gcc', [...common, ...TESTS, ...objects, '-o', program, '-lpthread', '-lm']))
    fail('gcc failed');
  return program;
}

function execute(program, args) {
  return spawnSync(program, args, { stdio: 'inherit' }).status === 0;
}

function fail(why) {
  process.stderr.write(`kernels: ${why}.\n`);
  process.exit(1);
}
