// The port through which questions about texts and prompts reach readers. They take no place in a queue and wait for no reader: who
// cannot answer now says so at once.
import type { Answer, Question } from '../../link/requests/questions.js';

export type AnswerTo<Kind extends Question['kind']> = Extract<Answer, { readonly kind: Kind }>;
export type QuestionOf<Kind extends Question['kind']> = Extract<Question, { readonly kind: Kind }>;

export interface ReaderQuestions {
  /**
   * @throws InputError request.reader_unknown, or the code of the reader's refusal
   * @throws CapacityError group.unavailable, reader.queue_full
   * @throws ReaderError group.failed, reader.died, reader.stalled
   */
  askReader<Kind extends Question['kind']>(
    readerId: string,
    question: QuestionOf<Kind>,
  ): Promise<AnswerTo<Kind>>;
  /**
   * Asks a live reader of the group, one that has the adapter.
   * @param loraId null or absent: any reader
   * @throws InputError request.unknown_lora, and as `askReader`
   */
  askGroup<Kind extends Question['kind']>(
    name: string,
    question: QuestionOf<Kind>,
    loraId?: string | null,
  ): Promise<AnswerTo<Kind>>;
}
