// The program of the inference thread: sleeps until a job is posted, computes it, answers. It opens the same libraries as the rest
// of the process, so addresses mean the same here.
import koffi from 'koffi';
import { parentPort, workerData } from 'node:worker_threads';
import { Defect } from '../../errors.js';
import { openLibrariesIn } from '../libraries.js';
import { bindGgml, type GgmlSymbols } from '../symbols/ggml.js';
import { bindLlama, type LlamaSymbols } from '../symbols/llama.js';
import type { Pointer } from '../symbols/structs.js';
import { Candidates } from './candidates.js';
import {
  NO_TOKEN,
  type InferenceAnswer,
  type InferenceJob,
  type InferenceResult,
  type InferenceSetup,
  type SampleJob,
} from './jobs.js';
import { Mailbox } from './mailbox.js';

interface Symbols {
  readonly ggml: GgmlSymbols;
  readonly llama: LlamaSymbols;
  readonly candidates: Candidates;
}

/** Serves until the process ends. */
export function serveJobs(): void {
  const port = parentPort;
  if (port === null) throw new Defect('The inference thread was started as a program of its own.');
  const { folder, mailbox: memory } = workerData as InferenceSetup;
  const libraries = openLibrariesIn(folder);
  const llama = bindLlama(libraries);
  const symbols = { ggml: bindGgml(libraries), llama, candidates: new Candidates(llama) };
  const mailbox = new Mailbox(memory);
  for (;;) port.postMessage(serve(mailbox, symbols));
}

/** Receives a job and leaves its result in the mailbox. */
function serve(mailbox: Mailbox, symbols: Symbols): InferenceAnswer {
  const job = mailbox.receive();
  try {
    mailbox.writeResult(compute(symbols, job));
    return null;
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

function compute({ ggml, llama, candidates }: Symbols, job: InferenceJob): InferenceResult {
  if (job.kind === 'graph') return { status: ggml.graphCompute(job.backend, job.graph), tokens: [] };
  const status = job.kind === 'decode' ? llama.decode(job.context, job.batch) : 0;
  if (status !== 0) return { status, tokens: [] };
  const { context, vocabularySize } = job;
  const tokens = job.samples.map((wanted) => {
    const logits = () => logitsOf(llama, context, wanted.row, vocabularySize);
    return wanted.tentative === undefined
      ? sample(llama, context, wanted, isBanning(wanted, vocabularySize) ? logits() : null)
      : (candidates.select(wanted.sampler, { ...wanted, ...wanted.tentative, logits: logits() }) ?? NO_TOKEN);
  });
  return { status, tokens };
}

const isBanning = ({ banned }: SampleJob, vocabularySize: number): boolean =>
  banned.from < vocabularySize || banned.tokens.length > 0;

function logitsOf(llama: LlamaSymbols, context: Pointer, row: number, vocabularySize: number): Float32Array {
  const address = llama.logits(context, row);
  if (address === null) throw new Defect(`row ${row} of the batch has no logits`);
  return new Float32Array(koffi.view(address, vocabularySize * 4));
}

/**
 * The sampler selects from the logits of the row, without the banned tokens, and remembers what it selected.
 * @param logits where tokens are banned
 */
function sample(
  llama: LlamaSymbols,
  context: Pointer,
  { row, sampler, banned }: SampleJob,
  logits: Float32Array | null,
): number {
  logits?.fill(-Infinity, banned.from);
  if (logits !== null) for (const token of banned.tokens) logits[token] = -Infinity;
  return llama.samplerSample(sampler, context, row);
}
