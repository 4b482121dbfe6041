// `npm run bench`: which benchmark is meant. Each reads its own options.
import { benchCheckpoint } from './checkpoint.js';
import { benchCluster } from './cluster/command.js';
import { benchEndurance } from './endurance/command.js';
import { benchGpuCommand } from './gpu/command.js';
import { benchLink } from './link/command.js';
import { benchServe } from './serve/command.js';

const [command = '', ...rest] = process.argv.slice(2);
if (command === 'serve') await benchServe(rest);
else if (command === 'link') await benchLink(rest);
else if (command === 'cluster') benchCluster(rest);
else if (command === 'endurance') await benchEndurance(rest);
else if (command === 'gpu') await benchGpuCommand(rest);
else if (command === 'kernels') await benchCheckpoint(['--only', 'kernels,products', ...rest]);
else await benchCheckpoint([command, ...rest].filter((argument) => argument !== ''));
