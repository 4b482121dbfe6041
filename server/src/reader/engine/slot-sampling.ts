// The sampling of each slot's sequence, and of sequences that were put back and wait for a slot. Whoever adds one closes what is left.
import { Defect } from '../../errors.js';
import type { Slot } from '../ids.js';
import type { SuspendedSampling } from './engine.js';

export class SlotSampling<T> {
  readonly #close: (sampling: T) => void;
  readonly #bySlot = new Map<Slot, T>();
  readonly #suspended = new Map<SuspendedSampling, T>();

  /** @param close frees what a sampling holds */
  constructor(close: (sampling: T) => void) {
    this.#close = close;
  }

  /** @throws Defect while the slot has one */
  set(slot: Slot, sampling: T): void {
    if (this.#bySlot.has(slot)) throw new Defect(`Slot ${slot} is in use.`);
    this.#bySlot.set(slot, sampling);
  }

  /** @throws Defect when the slot has none */
  get(slot: Slot): T {
    const sampling = this.#bySlot.get(slot);
    if (sampling === undefined) throw new Defect(`Slot ${slot} has no sequence.`);
    return sampling;
  }

  end(slot: Slot): void {
    this.#close(this.#take(slot));
  }

  suspend(slot: Slot): SuspendedSampling {
    const sampling = this.#take(slot);
    const suspended: SuspendedSampling = {
      discard: () => {
        if (this.#suspended.delete(suspended)) this.#close(sampling);
      },
    };
    this.#suspended.set(suspended, sampling);
    return suspended;
  }

  /** @throws Defect for one that was resumed or discarded before */
  resume(slot: Slot, suspended: SuspendedSampling): void {
    const sampling = this.#suspended.get(suspended);
    if (sampling === undefined) throw new Defect('A sampling was resumed that is not suspended.');
    this.set(slot, sampling);
    this.#suspended.delete(suspended);
  }

  close(): void {
    for (const sampling of [...this.#bySlot.values(), ...this.#suspended.values()]) this.#close(sampling);
    this.#bySlot.clear();
    this.#suspended.clear();
  }

  #take(slot: Slot): T {
    const sampling = this.get(slot);
    this.#bySlot.delete(slot);
    return sampling;
  }
}
