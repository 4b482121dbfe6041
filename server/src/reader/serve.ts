// A reader's life: load the model, say so, answer requests until told to drain or until the connection ends. Knows nothing of
// how messages travel.
import os from 'node:os';
import { InputError, TakeoffError } from '../errors.js';
import { shownDevice, type ReaderCard, type ReaderStart } from '../link/lifecycle/messages.js';
import { VERSIONS, type FromReader, type ToReader } from '../link/messages.js';
import type { GenerateMessage } from '../link/requests/messages.js';
import { bytesOf } from '../model/memory-size.js';
import { describeChoice } from '../native/gpu/choose-device.js';
import { AdapterShelf } from './adapters/adapter-shelf.js';
import { ConstrainedIntake } from './constraint/constrained-intake.js';
import { Constraints } from './constraint/constraints.js';
import type { LanguageEngine } from './engine/engine.js';
import type { ServedModel } from './load/load-model.js';
import type { KvOwner } from './kv/kv-owner.js';
import { RowNumbers } from './kv/row-key.js';
import { SharedPrefixes } from './kv/shared-prefixes.js';
import { UnsharedRows } from './kv/unshared-rows.js';
import { ReaderLoop } from './loop.js';
import type { PromptEncoderOptions } from './prompt/prompt-encoder.js';
import { QuestionAnswerer } from './questions/answer-questions.js';
import { QuestionDesk } from './questions/question-desk.js';
import { SequenceFactory } from './sequence-factory.js';
import { ImageStore } from './vision/image-store.js';

/** The gateway counts seconds without one. */
export const HEARTBEAT_MS = 1_000;

export interface ReaderServing {
  /** Hands a message of the gateway over. */
  receive(message: ToReader): void;
  /** Resolves with the exit code once the reader has drained or failed. */
  readonly ended: Promise<number>;
}

export interface ServeOptions {
  readonly start: ReaderStart;
  readonly model: ServedModel;
  readonly send: (message: FromReader) => void;
}

export function serveModel({ start, model, send }: ServeOptions): ReaderServing {
  const { engine, encoder, tokenizer } = model;
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const tell = (message: FromReader): void => {
    adapters.hear(message);
    send(message);
  };
  const onDefect = (error: unknown) => {
    send({ kind: 'failed', ...explain(error) });
    end(1);
  };
  const loop = createLoop({ start, model, send: tell }, onDefect);
  const constraints = new Constraints(tokenizer, start.constraintTimeoutMs);
  const intake = new ConstrainedIntake({ loop, constraints, send: tell, onDefect });
  const adapters = new AdapterShelf({
    loaded: start.loras,
    memory: engine,
    prepare: model.prepareAdapter,
    betweenSteps: (work) => loop.betweenSteps(work),
    onDefect,
  });
  const desk = new QuestionDesk({
    answerer: new QuestionAnswerer({
      ...promptsOf(start, model),
      modelConfig: model.modelConfig,
      contextTokens: engine.limits.contextTokens,
    }),
    adapters,
    send,
  });
  send({ kind: 'ready', versions: VERSIONS, card: cardOf(start, model, adapters.names) });
  const heart = setInterval(() => loop.sendHeartbeat(), HEARTBEAT_MS);
  heart.unref();
  void ended.then(() => clearInterval(heart));
  return {
    ended,
    receive: (message) => {
      switch (message.kind) {
        case 'generate':
          accept(message, { adapters, intake, send });
          break;
        case 'ask':
          void desk.accept(message);
          break;
        case 'cancel':
          intake.cancel(message.requestId);
          break;
        case 'drain':
          void intake.idle().then(async () => {
            encoder?.close();
            engine.close();
            await constraints.close();
            end(0);
          });
          break;
        case 'limit':
          loop.limitRunning(message.maxBatchSize);
          break;
        case 'start':
          break; // only the first message starts a reader
      }
    },
  };
}

/** How prompts are encoded, for answers and for questions about them alike. */
const promptsOf = (
  { imageTokenBudget }: ReaderStart,
  { description, template, tokenizer, encoder }: ServedModel,
): PromptEncoderOptions => ({
  description,
  template,
  tokenizer,
  imageTokenBudget,
  canReduceImages: encoder?.canReduce ?? false,
});

function createLoop({ start, model, send }: ServeOptions, onDefect: (error: unknown) => void): ReaderLoop {
  const { engine, encoder } = model;
  return new ReaderLoop({
    engine,
    kv: ownerOf(start, engine),
    images: encoder === null ? null : new ImageStore(encoder, bytesOf(start.imageCacheSize, os.freemem())),
    sequences: new SequenceFactory({
      ...promptsOf(start, model),
      rowNumbers: new RowNumbers(engine.limits.cells),
      contextTokens: engine.limits.contextTokens,
    }),
    send,
    onDefect,
    stepTargetMs: start.stepTargetMs,
    prefillChunkRows: start.prefillChunkSize,
    clock: () => performance.now(),
  });
}

interface Accepting extends Pick<ServeOptions, 'send'> {
  readonly adapters: AdapterShelf;
  readonly intake: ConstrainedIntake;
}

/** A request for an adapter that is not there any more ends here. */
function accept(message: GenerateMessage, { adapters, intake, send }: Accepting): void {
  try {
    intake.accept(adapters.admit(message));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const { requestId } = message;
    for (const prompt of message.prompts.keys())
      send({ kind: 'error', requestId, prompt, code: error.code, message: error.message });
  }
}

const ownerOf = ({ prefixCache }: ReaderStart, engine: LanguageEngine): KvOwner =>
  prefixCache ? new SharedPrefixes(engine.limits, engine) : new UnsharedRows(engine.limits, engine);

function cardOf(
  start: ReaderStart,
  { engine, description, device }: ServedModel,
  loras: readonly string[],
): ReaderCard {
  return {
    modelName: start.modelName,
    modelType: description.architecture,
    device: device === null ? shownDevice(start) : device.kind === 'cpu' ? 'cpu' : device.backend,
    deviceReason: device === null ? 'an echo computes nothing' : describeChoice(device),
    contextTokens: engine.limits.contextTokens,
    maxSequences: engine.limits.maxSequences,
    vision: description.vision,
    imageTokenBudget: start.imageTokenBudget,
    loras,
  };
}

/** Code and message of any error, for the operator. */
export function explain(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof TakeoffError) return { code: String(error.code), message: error.message };
  return { code: 'defect', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
