// Turns the events of a stream into pieces and the whole answer. The only mark of a stream's end is the metadata event of each
// prompt, so streams are always requested with `return_metadata`: one that lacks the metadata of a prompt was cut, even when a
// proxy closed the connection without an error.
import {
  isRecord,
  parseJson,
  parseMetadata,
  type GenerationMetadata,
  type ListAnswer,
  type SingleAnswer,
} from './answers.js';
import { IncompleteStreamError, UnexpectedAnswerError } from './errors.js';

/** A piece of an answer, usually one token. */
export interface StreamPiece {
  readonly text: string;
  /** In the stream of a list: the place of its prompt. */
  readonly batchId?: number;
}

export interface StreamReading {
  /** The pieces that this event completes. */
  read(data: string): StreamPiece[];
  /**
   * The whole answer, when the stream has ended.
   * @throws IncompleteStreamError
   */
  end(): SingleAnswer | ListAnswer;
}

/** `promptCount` is null for a single prompt. */
export const startReading = (promptCount: number | null, wantsMetadata: boolean): StreamReading =>
  promptCount === null ? new SingleReading(wantsMetadata) : new ListReading(promptCount, wantsMetadata);

/**
 * Events are plain text but for the last, which is metadata. An event that looks like metadata is held back: if another one
 * follows, it was text.
 */
class SingleReading implements StreamReading {
  #text = '';
  readonly #wantsMetadata: boolean;
  #held: { readonly data: string; readonly metadata: GenerationMetadata } | undefined;

  constructor(wantsMetadata: boolean) {
    this.#wantsMetadata = wantsMetadata;
  }

  read(data: string): StreamPiece[] {
    const texts = this.#held === undefined ? [] : [this.#held.data];
    const metadata = metadataEvent(data);
    this.#held = metadata === undefined ? undefined : { data, metadata };
    if (metadata === undefined) texts.push(data);
    this.#text += texts.join('');
    return texts.map((text) => ({ text }));
  }

  end(): SingleAnswer {
    const metadata = this.#held?.metadata;
    if (metadata === undefined) throw cutStream();
    return this.#wantsMetadata ? { text: this.#text, metadata } : { text: this.#text };
  }
}

class ListReading implements StreamReading {
  readonly #texts: string[];
  readonly #metadata = new Map<number, GenerationMetadata>();
  readonly #promptCount: number;
  readonly #wantsMetadata: boolean;

  constructor(promptCount: number, wantsMetadata: boolean) {
    this.#promptCount = promptCount;
    this.#wantsMetadata = wantsMetadata;
    this.#texts = Array.from({ length: promptCount }, () => '');
  }

  read(data: string): StreamPiece[] {
    const event = parseJson(data);
    if (!isRecord(event) || typeof event['text'] !== 'string') throw strangeEvent(data);
    const { text, batch_id: batchId } = event;
    const before = typeof batchId === 'number' ? this.#texts[batchId] : undefined;
    if (typeof batchId !== 'number' || before === undefined) throw strangeEvent(data);
    const metadata = parseMetadata(event['metadata']);
    if (metadata !== undefined) this.#metadata.set(batchId, metadata);
    if (text === '') return [];
    this.#texts[batchId] = before + text;
    return [{ text, batchId }];
  }

  end(): ListAnswer {
    const metadata = this.#texts
      .map((_, index) => this.#metadata.get(index))
      .filter((one) => one !== undefined);
    if (metadata.length < this.#promptCount) throw cutStream();
    return this.#wantsMetadata ? { text: this.#texts, metadata } : { text: this.#texts };
  }
}

function metadataEvent(data: string): GenerationMetadata | undefined {
  if (!data.startsWith('{')) return undefined;
  const event = parseJson(data);
  return isRecord(event) && event['text'] === '' ? parseMetadata(event['metadata']) : undefined;
}

const cutStream = (): IncompleteStreamError =>
  new IncompleteStreamError(
    'client.incomplete_stream',
    'The stream ended before its natural end: the server, or a proxy in front of it, stopped sending.',
  );

const strangeEvent = (data: string): UnexpectedAnswerError =>
  new UnexpectedAnswerError(
    `The stream of a list has an event that is none of it: ${JSON.stringify(data.slice(0, 200))}.`,
  );
