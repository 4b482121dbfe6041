// Constraints while a step is made. What the model wants anyway is checked token by token, which is cheap; only where a constraint
// refuses it is a mask computed and the row sampled again, so a greedy answer is the same as if every row had been masked first.
import { Defect, InputError } from '../../errors.js';
import type { RowSample } from '../../native/decoder.js';
import { NO_TOKEN } from '../../native/inference/jobs.js';
import type { AnswerConstraint } from '../constraint/answer-constraint.js';

/** A row and what was sampled from it. */
export interface Drawn {
  readonly sample: RowSample;
  /** Null where any token may come. */
  readonly constraint: AnswerConstraint | null;
  readonly token: number;
}

export type Enforced =
  /** `isComplete`: nothing can follow. */
  | { readonly kind: 'token'; readonly token: number; readonly isComplete: boolean }
  | { readonly kind: 'failed'; readonly failure: InputError };

export interface EnforceMeans {
  readonly endTokens: ReadonlySet<number>;
  readonly sampleAgain: (samples: readonly RowSample[]) => Promise<readonly number[]>;
}

/** What is taken from each row, in order. Samplers and constraints remember it; ends change no constraint. */
export async function enforce(
  drawn: readonly Drawn[],
  { endTokens, sampleAgain }: EnforceMeans,
): Promise<readonly Enforced[]> {
  if (drawn.every(({ constraint }) => constraint === null))
    return drawn.map(({ token }) => ({ kind: 'token', token, isComplete: false }));
  const checked = drawn.map(check);
  const again = checked.flatMap((one) => (one.kind === 'again' ? [one.sample] : []));
  const tokens = again.length === 0 ? [] : await sampleAgain(again);
  let next = 0;
  return checked.map((one, index) => {
    if (one.kind === 'failed') return one;
    const token = one.kind === 'again' ? tokens[next++] : one.token;
    const row = drawn[index];
    if (row === undefined || token === undefined) throw new Defect('A sampled row has no token.');
    return take(row, token, endTokens);
  });
}

type Checked =
  | { readonly kind: 'token'; readonly token: number }
  | { readonly kind: 'again'; readonly sample: RowSample }
  | { readonly kind: 'failed'; readonly failure: InputError };

function check({ sample, constraint, token }: Drawn): Checked {
  try {
    if (constraint === null || (token !== NO_TOKEN && constraint.allows(token)))
      return { kind: 'token', token };
    return { kind: 'again', sample: { ...sample, tentative: { allowed: constraint.computeMask() } } };
  } catch (error) {
    return failed(error);
  }
}

function take({ sample, constraint }: Drawn, token: number, endTokens: ReadonlySet<number>): Enforced {
  if (constraint === null) return { kind: 'token', token, isComplete: false };
  if (token === NO_TOKEN) return { kind: 'failed', failure: noTokenFits() };
  try {
    sample.sampler.accept(token);
    return { kind: 'token', token, isComplete: !endTokens.has(token) && constraint.accept(token) };
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
