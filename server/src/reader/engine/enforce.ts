// Constraints while a step is made. What the model wants anyway is checked token by token, which is cheap; only where a constraint
// refuses it is a mask computed and the row sampled again, so a greedy answer is the same as if every row had been masked first.
import { Defect, InputError } from '../../errors.js';
import type { RowSample } from '../../native/decoder.js';
import { NO_TOKEN, type Sampled } from '../../native/inference/jobs.js';
import type { AnswerConstraint } from '../constraint/answer-constraint.js';

/** A row and what was sampled from it. */
export interface Drawn extends Sampled {
  readonly sample: RowSample;
  /** Null where any token may come. */
  readonly constraint: AnswerConstraint | null;
}

export type Enforced =
  /** `isComplete`: nothing can follow. */
  | (Sampled & { readonly kind: 'token'; readonly isComplete: boolean })
  | { readonly kind: 'failed'; readonly failure: InputError };

export interface EnforceMeans {
  readonly endTokens: ReadonlySet<number>;
  readonly sampleAgain: (samples: readonly RowSample[]) => Promise<readonly Sampled[]>;
}

/** What is taken from each row, in order. Samplers and constraints remember it; ends change no constraint. */
export async function enforce(
  drawn: readonly Drawn[],
  { endTokens, sampleAgain }: EnforceMeans,
): Promise<readonly Enforced[]> {
  if (drawn.every(({ constraint }) => constraint === null))
    return drawn.map(({ token, logprobs }) => ({ kind: 'token', token, logprobs, isComplete: false }));
  const checked = drawn.map(check);
  const again = checked.flatMap((one) => (one.kind === 'again' ? [one.sample] : []));
  const others = again.length === 0 ? [] : await sampleAgain(again);
  let next = 0;
  return checked.map((one, index) => {
    if (one.kind === 'failed') return one;
    const row = drawn[index];
    const sampled = one.kind === 'again' ? others[next++] : row;
    if (row === undefined || sampled === undefined) throw new Defect('A sampled row has no token.');
    return take(row, sampled, endTokens);
  });
}

type Checked =
  | { readonly kind: 'allowed' }
  | { readonly kind: 'again'; readonly sample: RowSample }
  | { readonly kind: 'failed'; readonly failure: InputError };

function check({ sample, constraint, token }: Drawn): Checked {
  try {
    if (constraint === null || (token !== NO_TOKEN && constraint.allows(token))) return { kind: 'allowed' };
    return { kind: 'again', sample: { ...sample, tentative: { allowed: constraint.computeMask() } } };
  } catch (error) {
    return failed(error);
  }
}

function take({ sample, constraint }: Drawn, sampled: Sampled, endTokens: ReadonlySet<number>): Enforced {
  const { token, logprobs } = sampled;
  if (constraint === null) return { kind: 'token', token, logprobs, isComplete: false };
  if (token === NO_TOKEN) return { kind: 'failed', failure: noTokenFits() };
  try {
    sample.sampler.accept(token);
    return { kind: 'token', token, logprobs, isComplete: !endTokens.has(token) && constraint.accept(token) };
  } catch (error) {
    return failed(error);
  }
}

const noTokenFits = (): InputError =>
  new InputError(
    'request.constraint_unsupported',
    'The schema or pattern needs a character here that no token of this model has.',
  );

function failed(error: unknown): { readonly kind: 'failed'; readonly failure: InputError } {
  if (error instanceof InputError) return { kind: 'failed', failure: error };
  throw error;
}
