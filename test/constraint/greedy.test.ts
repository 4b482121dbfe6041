// Greedy answers of the demo model under a constraint: each token is the most likely one of those that are allowed, although masks are
// computed only where the model wants something else.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GREEDY } from '../../server/src/link/requests/greedy.js';
import type { Constraint } from '../../server/src/link/requests/messages.js';
import { Constraints } from '../../server/src/reader/constraint/constraints.js';
import { toSlot, toTokenId } from '../../server/src/reader/ids.js';
import { loadExact, type ConvertedModel } from '../parity/golden-case.js';

const DEMO = fileURLToPath(new URL('../../models/demo/checkpoint', import.meta.url));
const SLOT = toSlot(0);
const MAX_TOKENS = 120;

let model: ConvertedModel;
let constraints: Constraints;
beforeAll(async () => {
  model = await loadExact(DEMO);
  constraints = new Constraints(model.tokenizer, 20_000);
}, 120_000);
afterAll(async () => {
  await constraints.close();
  await model.close();
});

/** The most likely token of those whose bit is set. */
function bestAllowed(logits: Float32Array, mask: Uint32Array): number {
  let best = -1;
  for (const [token, logit] of logits.entries()) {
    const isAllowed = (((mask[token >> 5] ?? 0) >>> (token & 31)) & 1) === 1;
    if (isAllowed && (best < 0 || logit > (logits[best] ?? -Infinity))) best = token;
  }
  return best;
}

const SCHEMA = {
  type: 'object',
  properties: {
    shape: { enum: ['circle', 'square', 'large yellow triangle'] },
    text: { type: 'string', maxLength: 40 },
    sides: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 99 }, maxItems: 3 },
  },
  required: ['shape', 'text', 'sides'],
  additionalProperties: false,
};
const CASES: readonly (readonly [name: string, constraint: Constraint, valid: RegExp])[] = [
  [
    'a schema',
    { kind: 'json_schema', field: 'json_schema', schema: JSON.stringify(SCHEMA) },
    /^\{"shape": ?"[^"]+", ?"text": ?"/,
  ],
  [
    'a pattern',
    { kind: 'regex', field: 'regex_string', pattern: '[A-Z][a-z]{1,8} \\d{2}(, [a-z]{3,9}){2}' },
    /^[A-Z][a-z]+ \d{2}(, [a-z]{3,9}){2}$/,
  ],
  [
    'choices',
    { kind: 'choices', field: 'guided_choice', choices: [' a circle', 'no circle.'] },
    /^( a circle|no circle\.)$/,
  ],
];

it.each(CASES)(
  'a greedy answer under %s is the masked arg-max in every place',
  async (_, constraint, valid) => {
    const compiled = await constraints.compile(constraint);
    const { engine, decoder, tokenizer } = model;
    const oracle = compiled.start();
    engine.begin(SLOT, { ...GREEDY, maxNewTokens: MAX_TOKENS }, compiled.start());
    let token = tokenizer.encodePlain('picture')[0] ?? toTokenId(0);
    const bytes: Uint8Array[] = [];
    let isOver = false;
    for (let position = 0; position < MAX_TOKENS && !isOver; position += 1) {
      const row = { slot: SLOT, position, source: { kind: 'token', token }, samples: true } as const;
      const [sampled] = await engine.step([row]);
      if (sampled === undefined) throw new TypeError('nothing was sampled');
      expect(sampled.failure).toBeUndefined();
      expect(sampled.token).toBe(bestAllowed(decoder.logits(0), oracle.computeMask()));
      isOver = sampled.isEnd || sampled.isComplete === true;
      if (sampled.isEnd) break;
      bytes.push(tokenizer.pieceBytes(sampled.token));
      expect(oracle.accept(sampled.token)).toBe(sampled.isComplete);
      token = sampled.token;
    }
    engine.end(SLOT);
    engine.forget(SLOT, 0, MAX_TOKENS);
    oracle.close();
    expect(isOver).toBe(true);
    expect(Buffer.concat(bytes).toString('utf8')).toMatch(valid);
  },
);
