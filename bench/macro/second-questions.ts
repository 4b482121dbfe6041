// What a second question about an image costs in time to the first token, beside the first one: asked by the same user, after another
// image, while the first answer still streams, and the same question again. Each round has images that nobody has seen.
import { readFileSync } from 'node:fs';
import { RunningServer } from '../../harness/running-server.js';
import type { Measurement } from '../report.js';
import { spread } from '../statistics.js';
import type { HttpBench } from './http.js';
import { askAboutImage } from './streams.js';

const FIRST = 'USER: Describe the image to me in detail.\nASSISTANT:';
const SECOND = [
  'USER: What is in the middle?\nASSISTANT:',
  'USER: How many things are there?\nASSISTANT:',
  'USER: Which colours do you see?\nASSISTANT:',
] as const;
/** Of answers whose first token is all that is measured. */
const TEXT_TOKENS = 8;

export async function benchSecondQuestions(bench: HttpBench): Promise<Measurement[]> {
  const cache = bench.repositoryPath === null ? [] : ['--repository-path', bench.repositoryPath];
  const server = await RunningServer.start({
    args: [
      ...['--model', bench.model, '--quant-type', bench.quantType],
      ...['--vision-quant-type', bench.visionQuantType, ...cache],
    ],
  });
  try {
    const times = new Map<string, number[]>();
    for (let round = 0; round <= bench.runs; round += 1) {
      const measured = await measureRound(server.url, readFileSync(bench.image), round, bench.newTokens);
      if (round > 0) for (const [name, ms] of measured) times.set(name, [...(times.get(name) ?? []), ms]);
    }
    return [...times].map(([name, values]) => ({ name, unit: 'ms', value: spread(values) }));
  } finally {
    await server.stop();
  }
}

async function measureRound(
  url: string,
  file: Uint8Array,
  round: number,
  newTokens: number,
): Promise<(readonly [name: string, firstMs: number])[]> {
  // Bytes behind the end of an image change its hash and no pixel.
  const image = new Uint8Array([...file, round, 0]);
  const another = new Uint8Array([...file, round, 1]);
  const ask = async (about: Uint8Array<ArrayBuffer>, text: string): Promise<number> =>
    (await askAboutImage(url, { image: about, text, newTokens: TEXT_TOKENS })).firstMs;
  const first = await ask(image, FIRST);
  const again = await ask(image, FIRST);
  const second = await ask(image, SECOND[0]);
  await ask(another, FIRST);
  const afterAnother = await ask(image, SECOND[1]);
  let besides: Promise<number> | undefined;
  await askAboutImage(url, {
    image,
    text: FIRST,
    newTokens,
    onFirst: () => {
      besides = ask(image, SECOND[2]);
    },
  });
  return [
    ['first token, new image', first],
    ['first token, the same question again', again],
    ['first token, second question', second],
    ['first token, second question after another image', afterAnother],
    ['first token, second question while an answer streams', (await besides) ?? NaN],
  ];
}
