// `npm run bench`: which benchmark is meant. Each reads its own options.
import { benchCheckpoint } from './checkpoint.js';
import { benchCluster } from './cluster/command.js';
import { benchEndurance } from './endurance/command.js';
import { benchGpuCommand } from './gpu/command.js';
import { benchLink } from './link/command.js';
import { OptionError } from './options.js';
import { benchOverhead } from './overhead/command.js';
import { benchServe } from './serve/command.js';

const [command = '', ...rest] = process.argv.slice(2);
try {
  await run();
} catch (error) {
  if (!isOfOptions(error)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

/** Ours, or those of `parseArgs`. Everything else is a fault, whose stack helps. */
function isOfOptions(error: unknown): error is Error {
  if (error instanceof OptionError) return true;
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

async function run(): Promise<void> {
  if (command === 'serve') await benchServe(rest);
  else if (command === 'link') await benchLink(rest);
  else if (command === 'cluster') benchCluster(rest);
  else if (command === 'overhead') await benchOverhead(rest);
  else if (command === 'endurance') await benchEndurance(rest);
  else if (command === 'gpu') await benchGpuCommand(rest);
  else if (command === 'kernels') await benchCheckpoint(['--only', 'kernels,products', ...rest]);
  else await benchCheckpoint([command, ...rest].filter((argument) => argument !== ''));
}
