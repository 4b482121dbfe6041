// What a schema costs: its compilation, and each token of an answer that follows it. Answers with and without one are made in turns,
// so that both meet the same machine.
import { Constraints } from 'takeoff-server/reader/constraint/constraints.js';
import type { LoadedPair } from 'takeoff-server/reader/load/load-pair.js';
import type { Measurement } from '../report.js';
import { spread } from '../statistics.js';
import { decode } from './decode.js';

const COMPILE_TIMEOUT_MS = 20_000;

/** No answer of a benchmark is long enough to end it. */
const schema = (run: number): string =>
  JSON.stringify({
    type: 'array',
    minItems: 900,
    items: {
      type: 'object',
      properties: {
        [`run_${run}`]: { type: 'string', minLength: 8, maxLength: 24 },
        shape: { enum: ['circle', 'square', 'triangle'] },
        count: { type: 'integer', minimum: 0, maximum: 99 },
      },
      required: [`run_${run}`, 'shape', 'count'],
      additionalProperties: false,
    },
  });

export async function benchConstraint(
  { engine, tokenizer }: LoadedPair,
  runs: number,
  newTokens: number,
): Promise<Measurement[]> {
  const constraints = new Constraints(tokenizer, COMPILE_TIMEOUT_MS);
  const compilation: number[] = [];
  const free: number[] = [];
  const bound: number[] = [];
  // The first one reads the vocabulary and warms up.
  for (let run = 0; run <= runs; run += 1) {
    const compiled = await constraints.compile({
      kind: 'json_schema',
      field: 'json_schema',
      schema: schema(run),
    });
    free.push(await perToken(() => decode(engine, newTokens)));
    bound.push(await perToken(() => decode(engine, newTokens, compiled.start())));
    compilation.push(compiled.compileMs);
  }
  await constraints.close();
  const counted = (values: readonly number[]) => spread(values.slice(1));
  return [
    { name: 'compile a schema', unit: 'ms', value: counted(compilation) },
    { name: 'decode, one token', unit: 'ms', value: counted(free) },
    { name: 'decode under a schema, one token', unit: 'ms', value: counted(bound) },
  ];

  async function perToken(work: () => Promise<void>): Promise<number> {
    const startMs = performance.now();
    await work();
    return (performance.now() - startMs) / newTokens;
  }
}
