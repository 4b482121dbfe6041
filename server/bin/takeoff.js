#!/usr/bin/env node
// The command `takeoff`. The compiled program lies in dist/; a checkout that was never built says how to build it.
import { existsSync } from 'node:fs';

const program = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write(
    'takeoff: not built yet. Run "npm run build" in the repository first ("npm start" does it for you).\n',
  );
  process.exitCode = 1;
}
