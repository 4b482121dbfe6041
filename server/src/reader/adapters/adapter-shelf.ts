// The LoRA adapters of a running reader: what each name means now, and what is let go of when nobody goes through it any more. A name
// that gets another file means another adapter from then on; requests that were accepted before go on with the one that they began
// with. Adapters have ids that are never given out again, because rows of the KV cache are numbered by them (kv/row-key.ts).
import { InputError } from '../../errors.js';
import type { FromReader } from '../../link/messages.js';
import type { GenerateMessage } from '../../link/requests/messages.js';
import { unknownLora } from '../../link/requests/unknown-lora.js';
import type { AdapterMemory } from '../engine/engine.js';

/** Names, and where the adapter of each comes from: a folder, a file or a hub id. */
export type AdapterSources = Readonly<Record<string, string>>;

export interface ShelfOptions {
  /** What is loaded already, under the ids that `firstAdapterId` gives. */
  readonly loaded: AdapterSources;
  readonly memory: AdapterMemory;
  /** Makes a source into a file that can be loaded. */
  readonly prepare: (source: string) => Promise<string>;
  /** Does work while no step is under way. */
  readonly betweenSteps: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Called when an adapter cannot be let go of. */
  readonly onDefect: (error: unknown) => void;
}

interface Adapter {
  readonly id: string;
  readonly source: string;
}

/** Of an adapter that was loaded with the model. */
export const firstAdapterId = (name: string): string => adapterId(0, name);

const adapterId = (generation: number, name: string): string => `${generation}:${name}`;

export class AdapterShelf {
  readonly #options: ShelfOptions;
  #current: ReadonlyMap<string, Adapter>;
  /** Ids that no name means any more and that requests go on with. */
  readonly #retired = new Set<string>();
  /** Ids of the requests that go through an adapter, with their prompts that have not ended. */
  readonly #users = new Map<string, { readonly adapter: string; openPrompts: number }>();
  #generation = 0;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(options: ShelfOptions) {
    this.#options = options;
    this.#current = new Map(
      Object.entries(options.loaded).map(([name, source]) => [name, { id: firstAdapterId(name), source }]),
    );
  }

  /** What requests may name. */
  get names(): readonly string[] {
    return [...this.#current.keys()];
  }

  /**
   * The request with the id of its adapter in the place of the name. The adapter stays until `hear` has got the request's last event.
   * @throws InputError request.unknown_lora
   */
  admit(message: GenerateMessage): GenerateMessage {
    const { loraId: name, requestId, prompts } = message;
    if (name === null) return message;
    const adapter = this.#current.get(name);
    if (adapter === undefined) throw unknownLora('this reader', name, this.names);
    this.#users.set(requestId, { adapter: adapter.id, openPrompts: prompts.length });
    return { ...message, loraId: adapter.id };
  }

  /** To be told of everything that the reader says. */
  hear(event: FromReader): void {
    if (event.kind !== 'done' && event.kind !== 'error') return;
    const user = this.#users.get(event.requestId);
    if (user === undefined) return;
    user.openPrompts -= 1;
    if (user.openPrompts > 0) return;
    this.#users.delete(event.requestId);
    if (this.#retired.has(user.adapter)) this.#letGo().catch(this.#options.onDefect);
  }

  /**
   * From now on requests may name these adapters and no others. Those of a name and source that are there already stay as they are.
   * One change at a time; where one of them fails, everything is as it was before it.
   * @returns the names
   * @throws InputError request.reader_invalid when one cannot be loaded
   */
  change(sources: AdapterSources): Promise<readonly string[]> {
    const change = this.#lastChange.then(() => this.#change(sources));
    this.#lastChange = change.catch(() => undefined);
    return change;
  }

  async #change(sources: AdapterSources): Promise<readonly string[]> {
    const next = new Map<string, Adapter>();
    const before = this.#current;
    for (const [name, source] of Object.entries(sources)) {
      const there = before.get(name);
      try {
        next.set(name, there?.source === source ? there : await this.#load(name, source));
      } catch (error) {
        for (const { id } of next.values()) if (!isIn(before, id)) this.#retired.add(id);
        await this.#letGo();
        throw notLoaded(name, error);
      }
    }
    this.#current = next;
    for (const { id } of before.values()) if (!isIn(next, id)) this.#retired.add(id);
    await this.#letGo();
    return this.names;
  }

  async #load(name: string, source: string): Promise<Adapter> {
    const { prepare, betweenSteps, memory } = this.#options;
    const file = await prepare(source);
    this.#generation += 1;
    const id = adapterId(this.#generation, name);
    await betweenSteps(() => memory.loadAdapter(id, file));
    return { id, source };
  }

  /** Frees what is retired and has no user left. */
  async #letGo(): Promise<void> {
    const used = new Set([...this.#users.values()].map(({ adapter }) => adapter));
    const unused = [...this.#retired].filter((id) => !used.has(id));
    for (const id of unused) this.#retired.delete(id);
    if (unused.length === 0) return;
    await this.#options.betweenSteps(() => {
      for (const id of unused) this.#options.memory.unloadAdapter(id);
      return Promise.resolve();
    });
  }
}

const isIn = (adapters: ReadonlyMap<string, Adapter>, id: string): boolean =>
  [...adapters.values()].some((adapter) => adapter.id === id);

function notLoaded(name: string, error: unknown): InputError {
  const why = error instanceof Error ? error.message : String(error);
  return new InputError(
    'request.reader_invalid',
    `The adapter ${JSON.stringify(name)} cannot be loaded, so the adapters are as they were: ${why}`,
    { cause: error },
  );
}
