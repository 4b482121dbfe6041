import { expect, it } from 'vitest';
import { Admission } from './admission.js';
import { OpenAnswers } from './open-answers.js';

const codeOf = (action: () => unknown): unknown => {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
};

it('refuses the request after the last place of a group, and not those of other groups', () => {
  const admission = new Admission(2);
  admission.enter('a');
  const leave = admission.enter('a');
  expect(codeOf(() => admission.enter('a'))).toMatchObject({ code: 'reader.queue_full', retryAfterMs: 2000 });
  admission.enter('b');
  leave();
  admission.enter('a');
  expect(codeOf(() => admission.enter('a'))).toMatchObject({ code: 'reader.queue_full' });
});

it('gives a place back once, however often it is told to', () => {
  const admission = new Admission(2);
  const leave = admission.enter('a');
  admission.enter('a');
  leave();
  leave();
  admission.enter('a');
  expect(codeOf(() => admission.enter('a'))).toMatchObject({ code: 'reader.queue_full' });
});

it('waits until the last answer has ended', async () => {
  const answers = new OpenAnswers();
  expect(await answers.idle(0)).toBe(true);
  const leaves = [answers.enter(), answers.enter()];
  const idle = answers.idle(60_000);
  for (const leave of leaves) {
    leave();
    leave();
  }
  expect(await idle).toBe(true);
  expect(answers.count).toBe(0);
});

it('says when answers are still open after the time', async () => {
  const answers = new OpenAnswers();
  answers.enter();
  expect(await answers.idle(0)).toBe(false);
});
