// Where questions of the gateway arrive: each gets exactly one answer or refusal, whatever goes wrong with it.
import { InputError } from '../../errors.js';
import type { Answer, AskMessage, Question } from '../../link/requests/questions.js';
import type { FromReader } from '../../link/messages.js';
import type { AdapterShelf } from '../adapters/adapter-shelf.js';
import type { QuestionAnswerer } from './answer-questions.js';

export interface DeskOptions {
  readonly answerer: QuestionAnswerer;
  readonly adapters: Pick<AdapterShelf, 'change'>;
  readonly send: (event: FromReader) => void;
}

export class QuestionDesk {
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  async accept({ requestId, question }: AskMessage): Promise<void> {
    const { send } = this.#options;
    try {
      send({ kind: 'answer', requestId, answer: await this.#answer(question) });
    } catch (error) {
      if (error instanceof InputError) {
        send({ kind: 'refusal', requestId, code: error.code, message: error.message });
        return;
      }
      // A question touches nothing that answers depend on, so a defect in one costs this question only.
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      send({ kind: 'log', level: 'error', message: `A question (${question.kind}) failed: ${message}` });
      send({
        kind: 'refusal',
        requestId,
        code: 'server.internal',
        message: 'The question cannot be answered.',
      });
    }
  }

  async #answer(question: Question): Promise<Answer> {
    const { answerer, adapters } = this.#options;
    if (question.kind !== 'adapters') return answerer.answer(question);
    return { kind: 'adapters', loras: await adapters.change(question.loras) };
  }
}
