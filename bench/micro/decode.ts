// One answer token by token, without a prompt.
import { GREEDY } from 'takeoff-server/link/requests/greedy.js';
import type { AnswerConstraint } from 'takeoff-server/reader/constraint/answer-constraint.js';
import { toSlot, toTokenId } from 'takeoff-server/reader/ids.js';
import type { LoadedPair } from 'takeoff-server/reader/load/load-pair.js';

const SLOT = toSlot(0);

export async function decode(
  engine: LoadedPair['engine'],
  newTokens: number,
  constraint: AnswerConstraint | null = null,
): Promise<void> {
  engine.begin(SLOT, { ...GREEDY, maxNewTokens: newTokens, minNewTokens: newTokens }, constraint);
  let token = toTokenId(3);
  for (let position = 0; position < newTokens; position += 1) {
    const [sampled] = await engine.step([
      { slot: SLOT, position, source: { kind: 'token', token }, samples: true },
    ]);
    if (sampled?.failure !== undefined) throw sampled.failure;
    token = sampled?.token ?? token;
  }
  engine.end(SLOT);
  engine.forget(SLOT, 0, engine.limits.contextTokens);
}
