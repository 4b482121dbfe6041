import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import type { Reporter } from 'vitest/reporters';
import { oneMachineFiles } from './harness/one-machine.js';

const wireSource = fileURLToPath(new URL('./wire/src/', import.meta.url));

/** Ends a run with one plain line, for people and programs that read logs. */
const plainCount: Reporter = {
  onTestRunEnd(modules) {
    const states = modules.flatMap((module) =>
      [...module.children.allTests()].map((test) => test.result().state),
    );
    const count = (state: string) => states.filter((other) => other === state).length;
    process.stdout.write(
      `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`,
    );
  },
};

/**
 * Tests that have the machine for themselves: engines that may compute with several threads, which wait for each other by spinning
 * (more of them than cores slow one another down a hundredfold), and tests that measure how soon something happens.
 */
const ALONE = ['test/{kernels,native}/*.test.ts', 'test/client/abort.test.ts', 'test/hostile/attack.test.ts'];

/** Engines in the test's own process, which has one runtime of llama.cpp for ever: each file needs a process of its own. */
const ENGINE_INSIDE = ['test/{constraint,parity}/*.test.ts'];

/** Files of tests of whole programs. */
const PROGRAMS_AT_ONCE = 3;

/** Servers that tests start are gateways with readers of their own then. */
const IS_OVER_REDIS = process.env['OVER_REDIS'] !== undefined;
const SETUP = IS_OVER_REDIS ? ['harness/over-redis.ts'] : [];
const ONE_MACHINE = IS_OVER_REDIS ? oneMachineFiles() : [];

export default defineConfig({
  resolve: {
    alias: [
      { find: /^takeoff-wire$/u, replacement: `${wireSource}index.ts` },
      { find: /^takeoff-wire\/(.+)\.js$/u, replacement: `${wireSource}$1.ts` },
    ],
  },
  test: {
    pool: 'forks',
    reporters: ['default', plainCount],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What is polled for comes within milliseconds; a busy machine may stand still for seconds.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{wire,client,server,playground}/src/**/*.test.ts'],
          // Files keep nothing between them, so a process may run many; loading every module anew for each took half of the time.
          isolate: false,
          maxWorkers: '100%',
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // Whole programs. Readers compute models as small as the demo's with one thread, and half of the time a test waits for
          // something to start, end or happen.
          name: 'whole',
          setupFiles: SETUP,
          // Programs start within seconds on an idle machine, and in many more on a busy one.
          testTimeout: 180_000,
          include: ['test/**/*.test.ts'],
          exclude: ['test/gpu/**', ...ENGINE_INSIDE, ...ALONE, ...ONE_MACHINE],
          isolate: false,
          maxWorkers: PROGRAMS_AT_ONCE,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole-engine-inside',
          setupFiles: SETUP,
          testTimeout: 180_000,
          include: ENGINE_INSIDE,
          exclude: ONE_MACHINE,
          maxWorkers: PROGRAMS_AT_ONCE,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          // Last, when lint and types, which run beside the others in `npm test`, are through.
          name: 'whole-alone',
          setupFiles: SETUP,
          testTimeout: 180_000,
          include: ALONE,
          exclude: ONE_MACHINE,
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          // On a GPU, or on a software driver for one, whose first run compiles for minutes: only where it is asked for.
          name: 'gpu',
          include: ['test/gpu/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
