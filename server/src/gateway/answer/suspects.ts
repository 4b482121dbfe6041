// Contents of requests in whose company a reader died. One death has many companions and one cause at most; who is alone with a
// second death is the cause. Holds hashes only, a bounded number of them, for a bounded time; decides nothing by itself.

export type Verdict =
  /** Nothing speaks against it. */
  | 'clear'
  /** It was there when a reader died: to be begun one at a time. */
  | 'suspect'
  /** It was there twice, and so was another suspect: to be run without any other suspect, so that the next death has one cause. */
  | 'ambiguous'
  /** A reader died of it. */
  | 'guilty';

interface SuspectRecord {
  readonly verdict: Exclude<Verdict, 'clear'>;
  readonly expiresAtMs: number;
}

/** Long enough that sending the same again and again stops little work; short enough that a mistake passes by itself. */
export const SUSPICION_MS = 600_000;
/** Eight deaths with a full default queue each. A record has about 150 bytes. */
export const MAX_SUSPECTS = 4096;

export class Suspects {
  readonly #nowMs: () => number;
  /** By hash, in the order of their last deaths, which is that of their ends. */
  readonly #records = new Map<string, SuspectRecord>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get isEmpty(): boolean {
    this.#forgetExpired();
    return this.#records.size === 0;
  }

  verdictOn(hash: string): Verdict {
    this.#forgetExpired();
    return this.#records.get(hash)?.verdict ?? 'clear';
  }

  /** A reader died that worked on these contents and no others. */
  noteDeath(hashes: ReadonlySet<string>): void {
    const verdicts = new Map([...hashes].map((hash) => [hash, this.verdictOn(hash)] as const));
    const known = [...verdicts.values()].filter((verdict) => verdict !== 'clear');
    for (const [hash, verdict] of verdicts) {
      if (verdict === 'clear') this.#record(hash, 'suspect');
      // The cause is known, and it is another.
      else if (verdict !== 'guilty' && !known.includes('guilty'))
        this.#record(hash, known.length === 1 ? 'guilty' : 'ambiguous');
    }
  }

  /** A reader answered it. */
  clear(hash: string): void {
    this.#records.delete(hash);
  }

  #record(hash: string, verdict: Exclude<Verdict, 'clear'>): void {
    this.#records.delete(hash);
    this.#records.set(hash, { verdict, expiresAtMs: this.#nowMs() + SUSPICION_MS });
    for (const oldest of this.#records.keys()) {
      if (this.#records.size <= MAX_SUSPECTS) return;
      this.#records.delete(oldest);
    }
  }

  #forgetExpired(): void {
    for (const [hash, { expiresAtMs }] of this.#records) {
      if (expiresAtMs > this.#nowMs()) return;
      this.#records.delete(hash);
    }
  }
}
