import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const wireSource = fileURLToPath(new URL('./wire/src/index.ts', import.meta.url));

export default defineConfig({
  resolve: { alias: { 'takeoff-wire': wireSource } },
  test: {
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{wire,client,server}/src/**/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          // Whole programs and native engines, one file at a time: ggml's threads wait for each other by spinning, and more of
          // them than cores slow one another down a hundredfold.
          name: 'whole',
          include: ['test/**/*.test.ts'],
          maxWorkers: 1,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
