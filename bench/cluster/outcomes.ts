// What became of each request. Every one must end once, and no more than once.

const OPEN = 0;
const DONE = 1;
const DIED = 2;

export interface Window {
  readonly requests: number;
  /** Share of those whose image was encoded already. */
  readonly encoded: number;
  /** Milliseconds from arrival to the first token, without the time of the prompt. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export class Outcomes {
  endedTwice = 0;
  died = 0;
  open: number;
  readonly #arrivedMs: Float64Array;
  readonly #waitMs: Float32Array;
  readonly #wasEncoded: Uint8Array;
  readonly #state: Uint8Array;

  constructor(requests: number) {
    this.open = requests;
    this.#arrivedMs = new Float64Array(requests);
    this.#waitMs = new Float32Array(requests).fill(NaN);
    this.#wasEncoded = new Uint8Array(requests);
    this.#state = new Uint8Array(requests);
  }

  arrive(id: number, nowMs: number): void {
    this.#arrivedMs[id] = nowMs;
  }

  begin(id: number, waitMs: number, wasEncoded: boolean): void {
    this.#waitMs[id] = waitMs;
    this.#wasEncoded[id] = wasEncoded ? 1 : 0;
  }

  end(id: number, how: 'done' | 'died'): void {
    if (this.#state[id] !== OPEN) {
      this.endedTwice += 1;
      return;
    }
    this.#state[id] = how === 'done' ? DONE : DIED;
    this.open -= 1;
    if (how === 'died') this.died += 1;
  }

  /** Of the requests that arrived in this time and got a first token. */
  window(fromMs = 0, toMs = Infinity): Window {
    const waits: number[] = [];
    let encoded = 0;
    for (const [id, arrivedMs] of this.#arrivedMs.entries()) {
      const waitMs = this.#waitMs[id] ?? NaN;
      if (arrivedMs < fromMs || arrivedMs >= toMs || Number.isNaN(waitMs)) continue;
      waits.push(waitMs);
      encoded += this.#wasEncoded[id] ?? 0;
    }
    const sorted = Float32Array.from(waits).sort();
    const quantile = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
    return {
      requests: waits.length,
      encoded: encoded / waits.length,
      p50Ms: quantile(0.5),
      p99Ms: quantile(0.99),
    };
  }
}
