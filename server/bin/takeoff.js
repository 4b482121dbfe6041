#!/usr/bin/env node
// The command `takeoff`. The built program lies in dist/programs/; a checkout that was never built says how to build it.
import { existsSync } from 'node:fs';

const program = new URL('../dist/programs/takeoff.js', import.meta.url);
if (existsSync(program)) {
  await import(program.href);
} else {
  process.stderr.write(
    'takeoff: not built yet. Run "npm run build" in the repository first ("npm start" does it for you).\n',
  );
  process.exitCode = 1;
}
