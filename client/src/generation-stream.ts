// An answer while it is being made. Iterating gives its pieces; awaiting gives the whole. The request begins with the first of
// either, so a stream that nobody wants costs nothing. There is one answer to read: it can be iterated once, and awaited at any
// time before, during or after that.
import { IncompleteStreamError, InvalidInputError } from './errors.js';
import type { StreamPiece } from './stream-reading.js';

/** The request behind a stream. */
export interface StreamSource<A> {
  readonly pieces: AsyncGenerator<StreamPiece, A, undefined>;
  /** Ends the request, whatever it is doing; once it has ended, does nothing. */
  readonly close: () => void;
}

/** Its pieces when iterated; the whole answer when awaited. */
export interface GenerationStream<A> extends AsyncIterable<StreamPiece>, PromiseLike<A> {}

const END = { done: true, value: undefined } as const;

export class LazyStream<A> implements GenerationStream<A> {
  readonly #open: () => StreamSource<A>;
  readonly #whole: Promise<A>;
  #settle: { resolve: (answer: A) => void; reject: (error: unknown) => void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };
  #hasBegun = false;

  constructor(open: () => StreamSource<A>) {
    this.#open = open;
    this.#whole = new Promise<A>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // A failure reaches whoever iterates; without this line it would also be an unhandled rejection of the whole answer.
    this.#whole.catch(() => undefined);
  }

  /** Leaving the loop aborts the request. */
  [Symbol.asyncIterator](): AsyncIterator<StreamPiece, undefined> {
    if (this.#hasBegun)
      throw new InvalidInputError(
        'This stream is already being read; its pieces can be iterated once. Await it for the whole.',
      );
    this.#hasBegun = true;
    let source: StreamSource<A> | undefined;
    let isLeft = false;
    return {
      next: () => (isLeft ? Promise.resolve(END) : this.#next((source ??= this.#open()))),
      return: () => {
        isLeft = true;
        source?.close();
        this.#settle.reject(
          new IncompleteStreamError(
            'client.incomplete_stream',
            'The loop over this stream was left before its end.',
          ),
        );
        return Promise.resolve(END);
      },
    };
  }

  /** The whole answer. */
  then<Fulfilled = A, Rejected = never>(
    onFulfilled?: ((answer: A) => Fulfilled | PromiseLike<Fulfilled>) | null,
    onRejected?: ((reason: unknown) => Rejected | PromiseLike<Rejected>) | null,
  ): Promise<Fulfilled | Rejected> {
    if (!this.#hasBegun) void this.#drain();
    return this.#whole.then(onFulfilled, onRejected);
  }

  /** Reads all pieces for a caller who only awaits. Failures reject `#whole`. */
  async #drain(): Promise<void> {
    try {
      const pieces = this[Symbol.asyncIterator]();
      while ((await pieces.next()).done !== true);
    } catch (error) {
      this.#settle.reject(error);
    }
  }

  async #next({ pieces, close }: StreamSource<A>): Promise<IteratorResult<StreamPiece, undefined>> {
    try {
      const step = await pieces.next();
      if (step.done !== true) return step;
      close();
      this.#settle.resolve(step.value);
      return END;
    } catch (error) {
      close();
      this.#settle.reject(error);
      throw error;
    }
  }
}
