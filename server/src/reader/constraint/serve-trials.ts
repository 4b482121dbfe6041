// The program of the trial thread: compiles what clients send before the reader does, because a compilation cannot be interrupted,
// but a thread can be ended. What it compiled is thrown away.
import { parentPort, workerData } from 'node:worker_threads';
import { Defect } from '../../errors.js';
import { Llguidance } from './llguidance.js';
import { Refused, type Matcher } from './matcher.js';
import { isTrialSetup, type TrialAnswer, type TrialQuestion, type TrialSetup } from './trial-messages.js';
import { readLlguidanceWasm } from './wasm-file.js';
import { Trapped } from './wasm-heap.js';

export function serveTrials(): void {
  const port = parentPort;
  if (port === null) throw new Defect('The trial thread was started as a program of its own.');
  const setup: unknown = workerData;
  if (!isTrialSetup(setup)) throw new Defect('The trial thread was started without a vocabulary.');
  const llguidance = instanceOf(setup);
  const answer = (message: TrialAnswer) => port.postMessage(message);
  answer({ kind: 'ready', image: setup.kind === 'image' ? setup.image : llguidance.takeImage() });
  port.on('message', (question: TrialQuestion) => answer(tryOut(llguidance, question)));
}

const instanceOf = (setup: TrialSetup): Llguidance =>
  setup.kind === 'image'
    ? Llguidance.fromImage(setup.image)
    : Llguidance.fromVocabulary(new WebAssembly.Module(readLlguidanceWasm()), setup.vocabulary);

function tryOut(llguidance: Llguidance, { kind, grammar }: TrialQuestion): TrialAnswer {
  let matcher: Matcher | undefined;
  try {
    matcher = llguidance.compile(kind, grammar);
    matcher.computeMask();
    return { kind: 'compiled' };
  } catch (error) {
    if (error instanceof Refused) return { kind: 'refused', why: error.message };
    if (error instanceof Trapped) return { kind: 'trapped', why: error.message };
    throw error;
  } finally {
    matcher?.close();
  }
}
