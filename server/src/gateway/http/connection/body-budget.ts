// Bounds the memory of all bodies that are arriving at the same time. One body's limit alone would let a few hundred clients, each
// within it, fill the machine.
import { CapacityError } from '../../../errors.js';

/** What one request holds of the budget; given back when its body has been read, or not. */
export interface BodyClaim extends Disposable {
  /** @throws CapacityError server.uploads_busy */
  take(bytes: number): void;
}

/** Uploads last seconds. */
const RETRY_AFTER_MS = 2_000;

export class BodyBudget {
  readonly #totalBytes: number;
  #takenBytes = 0;

  /** One body of the largest allowed size always fits, whatever `totalBytes` says. */
  constructor(totalBytes: number, largestBodyBytes: number) {
    this.#totalBytes = Math.max(totalBytes, largestBodyBytes);
  }

  open(): BodyClaim {
    let ownBytes = 0;
    return {
      take: (bytes) => {
        if (this.#takenBytes + bytes > this.#totalBytes) throw busy(this.#totalBytes);
        ownBytes += bytes;
        this.#takenBytes += bytes;
      },
      [Symbol.dispose]: () => {
        this.#takenBytes -= ownBytes;
        ownBytes = 0;
      },
    };
  }
}

const busy = (totalBytes: number): CapacityError =>
  new CapacityError(
    'server.uploads_busy',
    `Request bodies of ${totalBytes} bytes are arriving at this moment, which is all that may at the same time. Try again in some seconds; the operator can raise body_memory_limit_bytes (TAKEOFF_BODY_MEMORY_LIMIT_BYTES).`,
    RETRY_AFTER_MS,
  );
