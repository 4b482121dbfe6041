// What the container runs: `takeoff serve` in this process, with the arguments of `docker run`. A server that ends for another reason
// than being told to says so in a line that Takeoff's launcher looks for in the log.
import { writeSync } from 'node:fs';

const STANDARD_ERROR = 2;

process.on('exit', (code) => {
  if (code === 0) return;
  writeSync(
    STANDARD_ERROR,
    `TAKEOFF CONTAINER ERROR: the server ended with code ${code}; the lines above say why.\n`,
  );
});
process.argv.splice(2, 0, 'serve');
await import('../../server/bin/takeoff.js');
