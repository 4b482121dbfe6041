// For tests only: a reader whose every word the test decides, on the same launch interface as a child process.
import { Defect } from '../../errors.js';
import type { GatewayConnection } from '../../link/connection.js';
import type { ReaderCard, ReaderStart } from '../../link/lifecycle/messages.js';
import { createMemoryPair } from '../../link/memory-pair.js';
import { VERSIONS, type FromReader, type ToReader } from '../../link/messages.js';
import type { FinishReason } from 'takeoff-wire';
import { createEchoModel } from '../../reader/load/echo-model.js';
import { namedTemplate } from '../../reader/prompt/conversation-template.js';
import { QuestionAnswerer } from '../../reader/questions/answer-questions.js';
import { QuestionDesk } from '../../reader/questions/question-desk.js';
import type { GenerateMessage, Usage, WorkTimes } from '../../link/requests/messages.js';
import type { VisionSettings } from '../../model/description.js';
import type { LaunchReader } from './reader-process.js';

export const VISION: VisionSettings = {
  sidePx: 112,
  patchPx: 14,
  aspect: 'pad',
  gridPinpoints: [],
  mergeType: 'flat',
  keepsClassToken: false,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
};

export const CARD: ReaderCard = {
  modelName: 'demo',
  modelType: 'LlavaLlamaForCausalLM',
  device: 'cpu',
  deviceReason: 'device is cpu',
  contextTokens: 2048,
  maxSequences: 8,
  vision: VISION,
  imageTokenBudget: 'full',
  loras: [],
};

export const START: ReaderStart = {
  readerId: 'reader1',
  modelName: 'demo',
  projectorFile: null,
  modelBase: null,
  loras: {},
  device: 'cpu',
  api: null,
  gpuLayers: 'auto',
  cudaVisibleDevices: null,
  tensorParallel: 1,
  quantizeCacheBits: null,
  kvHalvings: 0,
  repositoryPath: '/nowhere',
  quantType: 'auto',
  visionQuantType: 'auto',
  maxSequenceLength: 0,
  maxBatchSize: 8,
  chatTemplate: null,
  pageCacheSize: null,
  imageCacheSize: 268_435_456,
  stepTargetMs: 200,
  imageTokenBudget: 'full',
  prefillChunkSize: 512,
  prefixCache: true,
  threads: 0,
  kernels: 'auto',
  llamaLibDir: null,
  hubEndpoint: 'http://127.0.0.1:9',
  hubOffline: true,
  constrainedDecodingBackend: 'all',
  constraintTimeoutMs: 1_000,
  echo: false,
};

/** For tests in which no reader hangs: scripted ones have no heartbeat. */
export const PATIENT = { readerMessageTimeoutMs: Infinity, firstTokenTimeoutMs: 600_000 };

const USAGE: Usage = { promptTokens: 7, imageTokens: 3, cachedTokens: 1, generatedTokens: 2 };

const TIMES: WorkTimes = { visionMs: 0, prefillMs: 0, decodeMs: 0 };

/** What the test does with a request, when it does not drive it step by step. */
export type Script = (message: GenerateMessage, reader: ScriptedReader) => void;

/** Answers questions as an echo reader does. */
const ANSWERER = new QuestionAnswerer({
  ...createEchoModel({
    contextTokens: CARD.contextTokens,
    cells: CARD.contextTokens,
    maxSequences: 1,
    slots: 1,
    maxRows: 8,
    rowGroup: 1,
  }),
  template: namedTemplate('vicuna_v1', false),
  contextTokens: CARD.contextTokens,
  modelConfig: '{"model_type":"llava"}',
});

/** One life of a scripted reader. */
export class ScriptedReader {
  readonly received: ToReader[] = [];
  readonly #connection: GatewayConnection;
  readonly #end: (reason: string) => void;
  readonly #waiters: (() => void)[] = [];
  /** Prompts that it was given and has not ended. */
  readonly #open = new Set<string>();
  #isDraining = false;
  /** Whether it says nothing to questions. */
  ignoresQuestions = false;
  /** Whether it goes on for ever when it is asked to drain. */
  ignoresDrain = false;

  constructor(connection: GatewayConnection, script: Script, end: (reason: string) => void) {
    this.#connection = connection;
    this.#end = end;
    connection.onMessage((message) => {
      this.received.push(message);
      for (const wake of this.#waiters.splice(0)) wake();
      if (message.kind === 'generate') {
        for (const prompt of message.prompts.keys()) this.#open.add(`${message.requestId} ${prompt}`);
        script(message, this);
      }
      if (message.kind === 'ask' && !this.ignoresQuestions)
        void new QuestionDesk({
          answerer: ANSWERER,
          adapters: { change: (loras) => Promise.resolve(Object.keys(loras)) },
          send: (event) => this.say(event),
        }).accept(message);
      if (message.kind === 'drain') {
        this.#isDraining = true;
        this.#endWhenDrained();
      }
    });
  }

  say(message: FromReader): void {
    this.#connection.send(message);
    if (message.kind !== 'done' && message.kind !== 'error') return;
    this.#open.delete(`${message.requestId} ${message.prompt}`);
    this.#endWhenDrained();
  }

  token(requestId: string, text: string, prompt = 0): void {
    this.say({ kind: 'token', requestId, prompt, text });
  }

  done(requestId: string, prompt = 0, finishReason: FinishReason = 'stop', times = TIMES): void {
    this.say({ kind: 'done', requestId, prompt, finishReason, usage: USAGE, times });
  }

  /** The process ends, as by SIGKILL; what was said before is delivered. */
  die(reason = 'killed by the test'): void {
    this.#connection.close();
    // The pair closes in a later turn, as an IPC channel does.
    queueMicrotask(() => queueMicrotask(() => this.#end(reason)));
  }

  #endWhenDrained(): void {
    if (this.#isDraining && !this.ignoresDrain && this.#open.size === 0) this.die('drained');
  }

  /** The first message of this kind that has come or will come. */
  async next<Kind extends ToReader['kind']>(kind: Kind): Promise<Extract<ToReader, { kind: Kind }>> {
    const isKind = (message: ToReader): message is Extract<ToReader, { kind: Kind }> => message.kind === kind;
    for (;;) {
      const found = this.received.find(isKind);
      if (found !== undefined) {
        this.received.splice(this.received.indexOf(found), 1);
        return found;
      }
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
    }
  }
}

/** Launches scripted readers and keeps every life, in order. */
export class ScriptedReaders {
  readonly lives: ScriptedReader[] = [];
  /** What each life was started with, and how its process prints a line. */
  readonly launches: { readonly start: ReaderStart; readonly print: (line: string) => void }[] = [];
  script: Script;
  /** Null: lives do not become live by themselves. */
  card: ReaderCard | null = CARD;

  constructor(script: Script = echo) {
    this.script = script;
  }

  get last(): ScriptedReader {
    const life = this.lives.at(-1);
    if (life === undefined) throw new Defect('No scripted reader was launched.');
    return life;
  }

  readonly launch: LaunchReader = (start, _, print) => {
    const { gatewayEnd, readerEnd } = createMemoryPair();
    let end: (reason: string) => void = () => undefined;
    const ended = new Promise<string>((resolve) => {
      end = resolve;
    });
    const life = new ScriptedReader(readerEnd, (message, reader) => this.script(message, reader), end);
    this.launches.push({ start, print });
    this.lives.push(life);
    if (this.card !== null) life.say({ kind: 'ready', versions: VERSIONS, card: this.card });
    return { connection: gatewayEnd, pid: 4711, kill: () => life.die('killed'), ended };
  };
}

/** Answers each prompt with its own text, cut into characters. */
export const echo: Script = (message, reader) => {
  message.prompts.forEach((asked, prompt) => {
    const parts = asked.kind === 'raw' ? asked.parts : asked.turns.flatMap((turn) => turn.parts);
    const text = parts.map((part) => (part.kind === 'text' ? part.text : '')).join('');
    for (const character of text) reader.token(message.requestId, character, prompt);
    reader.done(message.requestId, prompt);
  });
};

/** Does nothing: the test drives the reader itself. */
export const silent: Script = () => undefined;
