// The program of the trial thread: compiles what clients send before the reader does, because a compilation cannot be interrupted,
// but a thread can be ended. What it compiled quickly is thrown away; of what took longer, the memory is handed over.
import { parentPort, workerData } from 'node:worker_threads';
import { Defect } from '../../errors.js';
import { Llguidance, type InstanceImage } from './llguidance.js';
import { Refused, type Matcher } from './matcher.js';
import { isTrialSetup, type TrialAnswer, type TrialMessage, type TrialSetup } from './trial-messages.js';
import { clockOf, ownThread, standBack } from './thread-time.js';
import { readLlguidanceWasm } from './wasm-file.js';
import { Trapped } from './wasm-heap.js';

/** What earlier compilations may leave behind before the instance is begun anew: it would be handed over with the next one. */
const MAX_LEFT_BYTES = 32 * 2 ** 20;
/** What one compilation may add to the memory where that is handed over; 400 ranges of integers add 9 MiB. */
const MAX_ADDED_BYTES = 96 * 2 ** 20;

export async function serveTrials(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Defect('The trial thread was started as a program of its own.');
  const setup: unknown = workerData;
  if (!isTrialSetup(setup)) throw new Defect('The trial thread was started without a vocabulary.');
  standBack();
  const first = await instanceOf(setup);
  const image = setup.kind === 'image' ? setup.image : first.takeImage();
  const thread = ownThread();
  const trials = new Trials(first, image, clockOf(thread));
  const answer = (message: TrialAnswer) =>
    port.postMessage(message, message.kind === 'slow' ? [message.compiled.memory] : []);
  port.on('message', (question: TrialMessage) => void trials.tryOut(question).then(answer));
  answer({ kind: 'ready', image, thread });
}

const instanceOf = async (setup: TrialSetup): Promise<Llguidance> =>
  setup.kind === 'image'
    ? Llguidance.fromImage(setup.image)
    : Llguidance.fromVocabulary(new WebAssembly.Module(readLlguidanceWasm()), setup.vocabulary);

class Trials {
  readonly #image: InstanceImage;
  readonly #clock: () => number;
  #llguidance: Llguidance;

  constructor(llguidance: Llguidance, image: InstanceImage, clock: () => number) {
    this.#llguidance = llguidance;
    this.#image = image;
    this.#clock = clock;
  }

  async tryOut({ kind, grammar, quickMs }: TrialMessage): Promise<TrialAnswer> {
    if (this.#addedBytes > MAX_LEFT_BYTES) this.#llguidance = await Llguidance.fromImage(this.#image);
    const startMs = this.#clock();
    let matcher: Matcher | undefined;
    try {
      matcher = this.#llguidance.compile(kind, grammar);
      matcher.computeMask();
      return this.#clock() - startMs <= quickMs ? { kind: 'quick' } : this.#handOver(matcher);
    } catch (error) {
      if (error instanceof Refused) return { kind: 'refused', why: error.message };
      if (error instanceof Trapped) return { kind: 'trapped', why: error.message };
      throw error;
    } finally {
      matcher?.close();
    }
  }

  #handOver(matcher: Matcher): TrialAnswer {
    const addedBytes = this.#addedBytes;
    if (addedBytes > MAX_ADDED_BYTES)
      return { kind: 'too-large', why: `it takes ${Math.round(addedBytes / 2 ** 20)} MiB when compiled` };
    return { kind: 'slow', compiled: this.#llguidance.takeImageWith(matcher) };
  }

  get #addedBytes(): number {
    return this.#llguidance.memoryBytes - this.#image.memory.byteLength;
  }
}
