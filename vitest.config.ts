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

/** Whole programs with the echo reader, or with none: they wait for processes and timers more than they compute. */
const WITHOUT_ENGINE = [
  'test/describe/describe.test.ts',
  'test/description/api-fuzz.test.ts',
  'test/hostile/!(attack).test.ts',
  'test/{lint,network,oracles}/*.test.ts',
];

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
    testTimeout: 30_000,
    hookTimeout: 120_000,
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
          // Whole programs and native engines, one file at a time: ggml's threads wait for each other by spinning, and more of
          // them than cores slow one another down a hundredfold.
          name: 'whole',
          setupFiles: SETUP,
          // Programs start within seconds on an idle machine, and in many more on a busy one.
          testTimeout: 60_000,
          include: ['test/**/*.test.ts'],
          exclude: ['test/gpu/**', ...WITHOUT_ENGINE, ...ONE_MACHINE],
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole-without-engine',
          setupFiles: SETUP,
          testTimeout: 60_000,
          include: WITHOUT_ENGINE,
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          // On a GPU, or on a software driver for one, whose first run compiles for minutes: only where it is asked for.
          name: 'gpu',
          include: ['test/gpu/**/*.test.ts'],
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
