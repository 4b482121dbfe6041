// `npm run bench -- gpu`: its options, and the report on the terminal and as JSON.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadConfig } from 'takeoff-server/config/load-config.js';
import { DEVICES } from 'takeoff-server/model/device.js';
import { repositoryRoot } from '../../harness/running-server.js';
import { parseCount, parseName } from '../options.js';
import { printTable, reportHead } from '../report.js';
import { benchGpu } from './gpu.js';
import { SHAPE_NAMES } from './synthetic-pair.js';

const HELP = `npm run bench -- gpu [options]

  --device DEVICE     as the setting device (default: auto)
  --shape SHAPE       of the model that is written: 7b, or tiny for a software driver (default: 7b)
  --runs N            counted runs of each measurement (default: 5)
  --tokens N          tokens of the decode measurements (default: 64)
  --repository PATH   model cache beside which packages of takeoff gpu install lie
  --llama-lib-dir DIR llama.cpp libraries to use instead of the packages
  --llama-bench FILE  llama.cpp's llama-bench, to run on the same files
  --json FILE         write the report as JSON
`;

export async function benchGpuCommand(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      device: { type: 'string', default: 'auto' },
      shape: { type: 'string', default: '7b' },
      runs: { type: 'string', default: '5' },
      tokens: { type: 'string', default: '64' },
      repository: { type: 'string' },
      'llama-lib-dir': { type: 'string' },
      'llama-bench': { type: 'string' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const measurements = await benchGpu({
    model: path.join(repositoryRoot(), 'models/demo/checkpoint'),
    shape: parseName('--shape', values.shape, SHAPE_NAMES),
    device: parseName('--device', values.device, DEVICES),
    llamaLibDir: values['llama-lib-dir'] ?? null,
    repositoryPath: values.repository ?? loadConfig({ flags: new Map() }).server.repositoryPath,
    runs: parseCount('--runs', values.runs),
    newTokens: parseCount('--tokens', values.tokens),
    llamaBench: values['llama-bench'] ?? null,
  });
  const report = {
    ...reportHead(`a model of the shape ${values.shape}`, 'f16 and q4_0, tower f16'),
    measurements,
  };
  process.stdout.write(`${printTable(report)}\n\n${JSON.stringify(report, null, 2)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
}
