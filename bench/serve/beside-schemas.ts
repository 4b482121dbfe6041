// What hostile schemas and patterns of one client do to the stream of another: the reader's own time of a step, and the gaps that the
// client of the stream sees, without them and beside them. All are different, and a second run on the same server would find them kept.
import { hostileConstraint } from '../../harness/hostile-constraints.js';
import { gapsOf } from './answer.js';
import type { Steps, World } from './world.js';

const CONSTRAINTS = 300;
const QUIET_STREAMS = 10;
const STREAM_TOKENS = 1024;
const STORY = 'Tell me a story of a lighthouse.';

export async function streamBesideSchemas(world: World): Promise<void> {
  const stream = async (): Promise<number[]> =>
    gapsOf(await world.ask({ image: null, text: world.newText(STORY), newTokens: STREAM_TOKENS }));
  await stream();
  const [beforeQuiet, quiet] = [await world.readSteps(), [] as number[]];
  for (let count = 0; count < QUIET_STREAMS; count += 1) quiet.push(...(await stream()));
  const [beforeBusy, busy] = [await world.readSteps(), [] as number[]];
  const over = new AbortController();
  const asking = askAll(world).finally(() => over.abort());
  while (!over.signal.aborted) busy.push(...(await stream()));
  const slowestMs = await asking;
  const end = await world.readSteps();
  world.figure('step, alone', 'ms', meanMs(beforeQuiet, beforeBusy));
  world.figure('step beside the schemas', 'ms', meanMs(beforeBusy, end));
  world.gaps('gap, alone', quiet);
  world.gaps('gap beside the schemas', busy);
  world.figure('slowest answer to a schema', 'ms', slowestMs);
}

/** One after the other. @returns how long the slowest answer took */
async function askAll(world: World): Promise<number> {
  let slowestMs = 0;
  for (let n = 0; n < CONSTRAINTS; n += 1) {
    const constraint = hostileConstraint(n);
    const field =
      constraint.kind === 'regex' ? { regex_string: constraint.pattern } : { json_schema: constraint.schema };
    const startMs = performance.now();
    await world.post('/generate', { text: 'a', max_new_tokens: 1, ...field });
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
  }
  return slowestMs;
}

const meanMs = (from: Steps, to: Steps): number =>
  (1_000 * (to.seconds - from.seconds)) / (to.count - from.count);
