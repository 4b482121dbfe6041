// Waits for the events of a stream and notices when none comes for a while, so that the stream can say that it is alive: proxies
// and browsers give up on answers whose first byte, or whose next one, is long in coming.
import { Defect } from '../../../errors.js';

/** What a wait ended with. */
export type Heard<Event> = IteratorResult<Event, void> | 'silence';

export class SilenceWatch<Event> {
  readonly #events: AsyncIterator<Event, void>;
  /** One for the whole stream, started again for each wait. Null: waits never end with a silence. */
  readonly #timer: NodeJS.Timeout | null;
  /** What the iterator was asked for and has not answered: a silence does not lose it. */
  #asked: Promise<IteratorResult<Event, void>> | undefined;
  #endWait: () => void = () => undefined;

  /** @param silenceMs how long a wait may take; 0 means without end */
  constructor(events: AsyncIterator<Event, void>, silenceMs: number) {
    this.#events = events;
    // A stream that nobody reads any more must not keep the process alive.
    this.#timer = silenceMs === 0 ? null : setTimeout(() => this.#endWait(), silenceMs).unref();
  }

  /** The next event, or `silence` when it is not there in time; then the next call waits for the same event. */
  next(): Promise<Heard<Event>> {
    const timer = this.#timer;
    if (timer === null) return this.#events.next();
    const asked = (this.#asked ??= this.#events.next());
    timer.refresh();
    return new Promise((resolve, reject) => {
      this.#endWait = () => resolve('silence');
      asked.then(
        (result) => {
          this.#asked = undefined;
          if (result.done === true) this.stop();
          resolve(result);
        },
        (error: unknown) => {
          this.stop();
          reject(error instanceof Error ? error : new Defect('A stream failed.', { cause: error }));
        },
      );
    });
  }

  /** To be called by whoever does not wait for the end of the iterator. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
