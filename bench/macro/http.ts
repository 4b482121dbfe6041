// The server as a client sees it: time to first token and tokens per second of an image request, and the memory of every process.
import { readFileSync } from 'node:fs';
import type { Measurement } from '../report.js';
import { spread } from '../statistics.js';
import { peakMemoryBytes, RunningServer } from '../../harness/running-server.js';
import { askAboutImage } from './streams.js';

export interface HttpBench {
  readonly model: string;
  readonly quantType: string;
  readonly visionQuantType: string;
  readonly repositoryPath: string | null;
  readonly runs: number;
  readonly newTokens: number;
  readonly image: string;
}

const QUESTION = 'USER: Describe the image to me in detail.\nASSISTANT:';

export async function benchHttp(bench: HttpBench): Promise<Measurement[]> {
  const cache = bench.repositoryPath === null ? [] : ['--repository-path', bench.repositoryPath];
  const server = await RunningServer.start({
    args: [
      ...['--model', bench.model, '--quant-type', bench.quantType],
      ...['--vision-quant-type', bench.visionQuantType, ...cache],
    ],
  });
  try {
    const image = readFileSync(bench.image);
    const first: number[] = [];
    const rate: number[] = [];
    for (let run = 0; run <= bench.runs; run += 1) {
      // A byte behind the end of the image changes its hash and no pixel, so that no run finds the features of an earlier one.
      const bytes = Buffer.concat([image, Buffer.from([run])]);
      const { firstMs, totalMs, events } = await askAboutImage(server.url, {
        image: bytes,
        text: QUESTION,
        newTokens: bench.newTokens,
      });
      if (run === 0) continue;
      first.push(firstMs);
      rate.push(((events - 1) * 1000) / (totalMs - firstMs));
    }
    return [
      { name: 'time to first token, new image', unit: 'ms', value: spread(first) },
      { name: `decode over HTTP, ${bench.newTokens} tokens`, unit: 'tokens/s', value: spread(rate) },
      ...memory(server),
    ];
  } finally {
    await server.stop();
  }
}

function memory(server: RunningServer): Measurement[] {
  if (process.platform !== 'linux') return [];
  return server.processes().map(({ pid, name }) => ({
    name: `peak memory, ${name}`,
    unit: 'MiB',
    value: spread([peakMemoryBytes(pid) / 2 ** 20]),
  }));
}
