// A reader's life: load the model, say so, answer requests until told to drain or until the connection ends. Knows nothing of
// how messages travel.
import os from 'node:os';
import { TakeoffError } from '../errors.js';
import { shownDevice, type ReaderCard, type ReaderStart } from '../link/lifecycle/messages.js';
import { VERSIONS, type FromReader, type ToReader } from '../link/messages.js';
import { bytesOf } from '../model/memory-size.js';
import { describeChoice } from '../native/gpu/choose-device.js';
import { ConstrainedIntake } from './constraint/constrained-intake.js';
import { Constraints } from './constraint/constraints.js';
import type { LanguageEngine } from './engine/engine.js';
import type { ServedModel } from './load/load-model.js';
import type { KvOwner } from './kv/kv-owner.js';
import { RowNumbers } from './kv/row-key.js';
import { SharedPrefixes } from './kv/shared-prefixes.js';
import { UnsharedRows } from './kv/unshared-rows.js';
import { ReaderLoop } from './loop.js';
import { QuestionAnswerer } from './questions/answer-questions.js';
import { QuestionDesk } from './questions/question-desk.js';
import { SequenceFactory } from './sequence-factory.js';
import { ImageStore } from './vision/image-store.js';

/** The gateway counts seconds without one. */
const HEARTBEAT_MS = 1_000;

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
  const { engine, encoder, description, template, tokenizer } = model;
  let end: (code: number) => void = () => undefined;
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const onDefect = (error: unknown) => {
    send({ kind: 'failed', ...explain(error) });
    end(1);
  };
  const prompts = {
    description,
    template,
    tokenizer,
    imageTokenBudget: start.imageTokenBudget,
    canReduceImages: encoder?.canReduce ?? false,
  };
  const loop = new ReaderLoop({
    engine,
    kv: ownerOf(start, engine),
    images: encoder === null ? null : new ImageStore(encoder, bytesOf(start.imageCacheSize, os.freemem())),
    sequences: new SequenceFactory({
      ...prompts,
      rowNumbers: new RowNumbers(engine.limits.cells),
      contextTokens: engine.limits.contextTokens,
      adapters: engine.adapters,
    }),
    send,
    onDefect,
    stepTargetMs: start.stepTargetMs,
    prefillChunkRows: start.prefillChunkSize,
    clock: () => performance.now(),
  });
  const constraints = new Constraints(tokenizer, start.constraintTimeoutMs);
  const intake = new ConstrainedIntake({ loop, constraints, send, onDefect });
  const desk = new QuestionDesk({
    answerer: new QuestionAnswerer({
      ...prompts,
      modelConfig: model.modelConfig,
      contextTokens: engine.limits.contextTokens,
    }),
    send,
  });
  send({ kind: 'ready', versions: VERSIONS, card: cardOf(start, model) });
  const heart = setInterval(() => loop.sendHeartbeat(), HEARTBEAT_MS);
  heart.unref();
  void ended.then(() => clearInterval(heart));
  return {
    ended,
    receive: (message) => {
      switch (message.kind) {
        case 'generate':
          intake.accept(message);
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

const ownerOf = ({ prefixCache }: ReaderStart, engine: LanguageEngine): KvOwner =>
  prefixCache ? new SharedPrefixes(engine.limits, engine) : new UnsharedRows(engine.limits, engine);

function cardOf(start: ReaderStart, { engine, description, device }: ServedModel): ReaderCard {
  return {
    modelName: start.modelName,
    modelType: description.architecture,
    device: device === null ? shownDevice(start) : device.kind === 'cpu' ? 'cpu' : device.backend,
    deviceReason: device === null ? 'an echo computes nothing' : describeChoice(device),
    contextTokens: engine.limits.contextTokens,
    maxSequences: engine.limits.maxSequences,
    vision: description.vision,
    imageTokenBudget: start.imageTokenBudget,
    loras: engine.adapters,
  };
}

/** Code and message of any error, for the operator. */
export function explain(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof TakeoffError) return { code: String(error.code), message: error.message };
  return { code: 'defect', message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
