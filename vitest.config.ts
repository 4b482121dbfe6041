import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const wireSource = fileURLToPath(new URL('./wire/src/index.ts', import.meta.url));

export default defineConfig({
  resolve: { alias: { 'takeoff-wire': wireSource } },
  test: {
    include: ['{wire,client,server}/src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
