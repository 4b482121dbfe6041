// The questions that a reader was asked and has not answered. Each ends: by its answer or refusal, by the end of the reader, or after a
// while in which nothing was heard. A bounded number is open at a time, because questions have no queue that they could wait in.
import { ERROR_CODES, type ErrorCode } from 'takeoff-wire';
import { CapacityError, InputError, ReaderError, type TakeoffError } from '../../errors.js';
import type { Answer, AnswerToQuestion, AskMessage, Question } from '../../link/requests/questions.js';
import type { AnswerTo, QuestionOf } from '../answer/reader-questions.js';

interface OpenQuestion {
  settle(outcome: Answer | TakeoffError): void;
}

/** Each holds a text of some hundred kilobytes at most. */
export const MAX_OPEN_QUESTIONS = 64;
/** A text of the largest size takes a second; a reader that is busy with others answers between two steps. */
export const ANSWER_TIMEOUT_MS = 30_000;
/** An adapter may have to be downloaded and converted first. */
export const ADAPTERS_TIMEOUT_MS = 600_000;
const RETRY_AFTER_MS = 1_000;

export class OpenQuestions {
  readonly #questions = new Map<string, OpenQuestion>();
  #lastId = 0;

  /** @throws CapacityError, InputError, ReaderError: see `ReaderQuestions` */
  async ask<Kind extends Question['kind']>(
    question: QuestionOf<Kind>,
    send: (message: AskMessage) => void,
  ): Promise<AnswerTo<Kind>> {
    if (this.#questions.size >= MAX_OPEN_QUESTIONS) {
      throw new CapacityError(
        'reader.queue_full',
        `${MAX_OPEN_QUESTIONS} questions are open, as many as a reader takes. Try again later.`,
        RETRY_AFTER_MS,
      );
    }
    const outcome = await this.#send(question, send);
    if ('code' in outcome) throw outcome;
    if (isAnswerTo(question.kind, outcome)) return outcome;
    throw new ReaderError('reader.died', 'The reader answered another question than it was asked.');
  }

  /** What the reader says to a question; dropped when nobody waits for it any more. */
  deliver(event: AnswerToQuestion): void {
    const question = this.#questions.get(event.requestId);
    question?.settle(event.kind === 'answer' ? event.answer : errorOf(event.code, event.message));
  }

  loseAll(reason: string): void {
    for (const question of [...this.#questions.values()])
      question.settle(new ReaderError('reader.died', `The reader ended before it answered: ${reason}.`));
  }

  #send(question: Question, send: (message: AskMessage) => void): Promise<Answer | TakeoffError> {
    const requestId = `question-${(this.#lastId += 1)}`;
    return new Promise((resolve) => {
      const settle = (outcome: Answer | TakeoffError): void => {
        clearTimeout(timer);
        this.#questions.delete(requestId);
        resolve(outcome);
      };
      const timeoutMs = question.kind === 'adapters' ? ADAPTERS_TIMEOUT_MS : ANSWER_TIMEOUT_MS;
      const timer = setTimeout(() => settle(unanswered(timeoutMs)), timeoutMs);
      this.#questions.set(requestId, { settle });
      send({ kind: 'ask', requestId, question });
    });
  }
}

const isAnswerTo = <Kind extends Question['kind']>(kind: Kind, answer: Answer): answer is AnswerTo<Kind> =>
  answer.kind === kind;

const errorOf = (code: ErrorCode, message: string): InputError | ReaderError =>
  ERROR_CODES[code].status < 500 ? new InputError(code, message) : new ReaderError(code, message);

const unanswered = (timeoutMs: number): ReaderError =>
  new ReaderError('reader.stalled', `The reader did not answer within ${timeoutMs} ms.`);
