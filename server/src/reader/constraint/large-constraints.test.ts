import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { CapacityError } from '../../errors.js';
import type { Constraint } from '../../link/requests/messages.js';
import { tokenizer } from './echo-tokenizer.fixture.js';
import type { AnswerConstraint } from './answer-constraint.js';
import { Constraints } from './constraints.js';
import { MAX_LARGE } from './large-constraints.js';
import { Llguidance } from './llguidance.js';

const regex = (pattern: string): Constraint => ({ kind: 'regex', field: 'regex_string', pattern });
const write = (answer: AnswerConstraint, text: string): boolean =>
  tokenizer.encodePlain(text).every((token) => answer.allows(token) && (answer.accept(token), true));

const compileHere = vi.spyOn(Llguidance.prototype, 'compile');
afterEach(() => compileHere.mockClear());
afterAll(() => compileHere.mockRestore());

describe('a constraint that took longer to compile than the loop may stop', () => {
  /** For which every compilation is long, one too that ends within a tick of the clock. */
  const constraints = new Constraints(tokenizer, 20_000, -1);
  afterAll(() => constraints.close());

  it('is compiled in the trial thread alone, and answers begin with what was compiled there', async () => {
    const compiled = await constraints.compile(regex('(large|larger) (one|two)'));
    const answers = [compiled.start(), compiled.start()];
    for (const answer of answers) {
      expect(write(answer, 'larger t')).toBe(true);
      expect(write(answer, 'x')).toBe(false);
      expect(write(answer, 'wo')).toBe(true);
      answer.close();
    }
    expect(compileHere).not.toHaveBeenCalled();
  });

  it(`is refused for now where answers use ${MAX_LARGE} others, and taken when one has ended`, async () => {
    const others = await Promise.all(
      Array.from({ length: MAX_LARGE }, (_, n) => constraints.compile(regex(`other ${n}`))),
    );
    const answers = others.map((other) => other.start());
    const refused = await constraints.compile(regex('one more')).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(CapacityError);
    expect(refused).toMatchObject({ code: 'reader.constraints_busy' });
    expect(answers.every((answer, n) => write(answer, `other ${n}`))).toBe(true);
    answers[2]?.close();
    const more = (await constraints.compile(regex('one more'))).start();
    expect(write(more, 'one more')).toBe(true);
    for (const answer of [...answers, more]) answer.close();
  });

  it('is compiled again where it had to make room before its answer began', async () => {
    const first = await constraints.compile(regex('first'));
    for (let n = 0; n < MAX_LARGE; n += 1) await constraints.compile(regex(`later ${n}`));
    expect(() => first.start()).toThrow(CapacityError);
    const again = (await constraints.compile(regex('first'))).start();
    expect(write(again, 'first')).toBe(true);
    again.close();
  });
});

describe('a constraint that compiled quickly', () => {
  it('is compiled once more on the thread of the loop', async () => {
    const constraints = new Constraints(tokenizer, 20_000, Infinity);
    for (let n = 0; n < 3; n += 1) (await constraints.compile(regex('quick'))).start().close();
    expect(compileHere).toHaveBeenCalledTimes(1);
    await constraints.close();
  });
});
