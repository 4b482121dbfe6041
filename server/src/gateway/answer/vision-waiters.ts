// Who waits to know how the models of a group see images. A group of either kind has one of these and says when something has changed.
import type { TakeoffError } from '../../errors.js';
import type { Vision } from './consumer-group.js';

export interface VisionSource {
  /** Null when no model of the group takes images; undefined while nobody knows. */
  vision(): Vision | null | undefined;
  /** Whether somebody who does not know yet may wait. */
  mayWait(): boolean;
  waitMs(): number;
  /** What those are told who may not wait, or have waited long enough. */
  unavailable(): TakeoffError;
}

export class VisionWaiters {
  readonly #looks = new Set<() => void>();

  /** To be called after every change of what sources say. */
  lookAgain(): void {
    for (const look of [...this.#looks]) look();
  }

  /** @throws what the source says when the group is unavailable, an AbortError when the signal fires */
  async wait(signal: AbortSignal, source: VisionSource): Promise<Vision | null> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        this.#looks.delete(look);
        outcome();
      };
      const look = (): void => {
        const vision = source.vision();
        if (vision !== undefined) settle(() => resolve(vision));
        else if (!source.mayWait()) giveUp();
      };
      const giveUp = (): void => settle(() => reject(source.unavailable()));
      const onAbort = (): void =>
        settle(() => reject(new DOMException('Nobody waits any more.', 'AbortError')));
      const timer = setTimeout(giveUp, source.waitMs());
      signal.addEventListener('abort', onAbort);
      this.#looks.add(look);
      look();
    });
  }
}
