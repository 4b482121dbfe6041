// What hostile schemas and patterns cost: they are refused or compiled within the deadline, in another thread, and leave nothing
// behind.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../server/src/errors.js';
import type { Constraint } from '../../server/src/link/requests/messages.js';
import { Constraints } from '../../server/src/reader/constraint/constraints.js';
import { TrialThread } from '../../server/src/reader/constraint/trial-thread.js';
import { readVocabulary } from '../../server/src/reader/constraint/vocabulary.js';
import { tokenizer } from '../../server/src/reader/constraint/echo-tokenizer.fixture.js';
import { hostileConstraint } from '../../harness/hostile-constraints.js';
import { isLongForm } from '../../harness/long-form.js';

const HOSTILE = isLongForm('test:constraint') ? 300 : 60;
const TIMEOUT_MS = 1_000;
/** For threads that wait for a processor. */
const SLACK_MS = 10_000;
const constraints = new Constraints(tokenizer, TIMEOUT_MS);
afterAll(() => constraints.close());

const regex = (pattern: string): Constraint => ({ kind: 'regex', field: 'regex_string', pattern });
const schema = (value: object): Constraint => ({
  kind: 'json_schema',
  field: 'json_schema',
  schema: JSON.stringify(value),
});
const hostile = (n: number): Constraint => {
  const constraint = hostileConstraint(n);
  return constraint.kind === 'regex' ? regex(constraint.pattern) : schema(constraint.schema);
};

describe('Constraints', () => {
  it('case 21: refuses or compiles hostile schemas and patterns within the deadline, and this thread goes on', async () => {
    await constraints.compile(regex('ready'));
    let worstGapMs = 0;
    const over = new AbortController();
    const watching = (async () => {
      for (let last = performance.now(); !over.signal.aborted; last = performance.now()) {
        await delay(5);
        worstGapMs = Math.max(worstGapMs, performance.now() - last);
      }
    })();
    const outcomes = new Map<string, number>();
    for (let n = 0; n < HOSTILE; n += 1) {
      const start = performance.now();
      const outcome = await constraints.compile(hostile(n)).then(
        () => 'compiled',
        (error: unknown) => (error instanceof InputError ? error.code : String(error)),
      );
      expect(performance.now() - start).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    over.abort();
    await watching;
    expect([...outcomes.keys()].sort()).toEqual([
      'compiled',
      'request.constraint_too_large',
      'request.constraint_unsupported',
    ]);
    expect(worstGapMs).toBeLessThan(SLACK_MS / 2);
  }, 180_000);

  it('takes constraints again after hostile ones', async () => {
    const compiled = await constraints.compile(regex('[0-9]{4}'));
    const answer = compiled.start();
    expect(answer.allows(tokenizer.encodePlain('7')[0] ?? 0)).toBe(true);
    expect(answer.allows(tokenizer.encodePlain('a')[0] ?? 0)).toBe(false);
    answer.close();
  });

  it('compiles the same schema once, also when it is asked for at the same time', async () => {
    const asked = Array.from({ length: 20 }, () => constraints.compile(schema({ enum: ['once'] })));
    expect(await Promise.all(asked)).toHaveLength(20);
  });

  it('keeps memory flat over 600 schemas', async () => {
    const compileAll = async (from: number, to: number) => {
      for (let n = from; n < to; n += 1) {
        const compiled = await constraints.compile(schema({ enum: [`${n}`], maxLength: 50 }));
        compiled.start().close();
      }
      return process.memoryUsage().rss;
    };
    const before = await compileAll(0, 200);
    expect((await compileAll(200, 600)) - before).toBeLessThan(64 * 2 ** 20);
  });
});

describe('TrialThread', () => {
  it('ends a trial that takes longer than its deadline, and the next one starts anew', async () => {
    const trials = new TrialThread(await readVocabulary(tokenizer), 1);
    await trials.image();
    const grammar = JSON.stringify({
      enum: Array.from({ length: 9_999 }, (_, i) => `${i} ${'x'.repeat(20)}`),
    });
    const question = { kind: 'json_schema', grammar } as const;
    const late = { kind: 'too-costly', why: 'it took longer than 1 ms' };
    expect(await trials.tryOut(question, 0)).toEqual(late);
    expect(await trials.tryOut(question, 0)).toEqual(late);
    await trials.close();
  });

  it('starts another thread when its own has ended between two trials', async () => {
    const threads: Worker[] = [];
    const note = (message: unknown): void => void threads.push((message as { worker: Worker }).worker);
    subscribe('worker_threads', note);
    const trials = new TrialThread(await readVocabulary(tokenizer), TIMEOUT_MS);
    await trials.image();
    await threads[0]?.terminate();
    expect(await trials.tryOut({ kind: 'regex', grammar: 'a' }, TIMEOUT_MS)).toEqual({ kind: 'quick' });
    expect(threads).toHaveLength(2);
    unsubscribe('worker_threads', note);
    await trials.close();
  });
});
