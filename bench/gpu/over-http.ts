// What clients see of a whole server on the device: first tokens of images of one and of five tiles, and a stream beside them.
import { RunningServer } from '../../harness/running-server.js';
import type { GgufPairPaths } from 'takeoff-server/checkpoint/convert/convert-checkpoint.js';
import type { Measurement } from '../report.js';
import { ownTarget, playAll } from '../serve/play.js';
import { toRows } from '../serve/report.js';
import { chosenScenarios } from '../serve/scenarios.js';
import { SERVER_APIS } from '../serve/server-api.js';

export interface HttpBench {
  readonly paths: GgufPairPaths;
  /** Of the weights, for the names of the figures. */
  readonly type: string;
  readonly device: string;
  readonly llamaLibDir: string | null;
  readonly repositoryPath: string;
  readonly runs: number;
  readonly newTokens: number;
  readonly scenarios: readonly string[];
}

export async function benchOverHttp(bench: HttpBench): Promise<Measurement[]> {
  const server = await RunningServer.start({
    args: [
      ...[
        '--model',
        bench.paths.modelPath,
        '--device',
        bench.device,
        '--repository-path',
        bench.repositoryPath,
      ],
      ...(bench.llamaLibDir === null ? [] : ['--llama-lib-dir', bench.llamaLibDir]),
    ],
  });
  try {
    const target = ownTarget(server, SERVER_APIS.takeoff);
    const plan = { runs: bench.runs, seed: 1, newTokens: bench.newTokens };
    const { measured } = await playAll(chosenScenarios(bench.scenarios.join(',')), [target], plan);
    return toRows(measured).flatMap(({ scenario, name, unit, values }) => {
      const value = values[target.name];
      return value === undefined ? [] : [{ name: `${bench.type}: ${scenario}, ${name}`, unit, value }];
    });
  } finally {
    await server.stop();
  }
}
