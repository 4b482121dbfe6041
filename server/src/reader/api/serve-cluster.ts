// The life of a reader with `device: api`: finds its cluster, says so, has it answer prompts, and ends when the cluster is gone, with the
// reason, so that whoever watches readers starts it again. Knows nothing of how messages travel.
import type { ClusterError } from '../../errors.js';
import type { ApiTarget, HeartbeatEvent, ReaderCard, ReaderStart } from '../../link/lifecycle/messages.js';
import { NOTHING_COUNTED } from '../../link/lifecycle/reader-counts.js';
import { VERSIONS, type FromReader, type ToReader } from '../../link/messages.js';
import { explain, HEARTBEAT_MS, type ReaderServing } from '../serve.js';
import { answerPrompt } from './answer-prompt.js';
import { apiBaseOf } from './cluster-address.js';
import { ClusterHttp } from './cluster-http.js';
import { answerForCluster } from './cluster-questions.js';
import { ClusterRoom } from './cluster-room.js';
import { ClusterWatch } from './cluster-watch.js';
import { errorOfStatus, readWords } from './cluster-words.js';
import { askBriefly, findCluster, type FoundCluster } from './find-cluster.js';
import { PromptQueue } from './prompt-queue.js';

export interface ClusterServing {
  readonly start: ReaderStart;
  readonly target: ApiTarget;
  readonly apiKey: string | null;
  readonly send: (message: FromReader) => void;
}

/** Where a cluster does not tell: what large models have. Nothing is refused by it. */
const UNKNOWN_CONTEXT_TOKENS = 131_072;

/**
 * An incompressible PNG of so many pixels stays below the 8 MiB that an image may have on its way to a reader. Models that cut
 * images themselves use 0.5 to 2.4 million.
 */
export const MAX_IMAGE_PIXELS = 2_500_000;

/** Resolves when the reader takes requests. @throws ClusterError */
export async function serveCluster(serving: ClusterServing): Promise<ReaderServing> {
  const { start, target, apiKey, send } = serving;
  const base = apiBaseOf(target.url);
  const http = new ClusterHttp({ base, apiKey, maxIdleConnections: start.maxBatchSize + 1 });
  const tellWaiting = (stage: string): void => send({ kind: 'loading', stage, fraction: null });
  tellWaiting(`looking for the cluster (${base.href})`);
  warnOfPlainKey(serving, base);
  const onWaiting = (why: string): void => tellWaiting(`waiting for the cluster (${base.href}: ${why})`);
  const found = await findCluster({ http, base, apiKey, target, onWaiting });
  const { model, dialect } = found.facts;
  send({
    kind: 'log',
    level: 'info',
    message: `the cluster at ${base.href} is ${dialect} and serves ${model}`,
  });
  return new ClusterReader(serving, { base, http, found }).serving;
}

function warnOfPlainKey({ apiKey, send }: ClusterServing, { protocol, hostname }: URL): void {
  const isHere = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  if (apiKey === null || protocol === 'https:' || isHere) return;
  send({
    kind: 'log',
    level: 'warn',
    message: `api_url is http: the key and every prompt travel to ${hostname} in the clear. Use https, or a network of your own.`,
  });
}

interface OpenCluster {
  readonly base: URL;
  readonly http: ClusterHttp;
  readonly found: FoundCluster;
}

class ClusterReader {
  readonly serving: ReaderServing;
  readonly #options: ClusterServing;
  readonly #cluster: OpenCluster;
  readonly #queue: PromptQueue;
  readonly #watch: ClusterWatch;
  #end: (code: number) => void = () => undefined;
  /** Signs of life of the cluster: while there are any, a prompt that waits long is no sign of a reader that hangs. */
  #signs = 0;
  #generatedTokens = 0;

  constructor(options: ClusterServing, cluster: OpenCluster) {
    const { start, send } = options;
    this.#options = options;
    this.#cluster = cluster;
    const ended = new Promise<number>((resolve) => {
      this.#end = resolve;
    });
    this.#queue = this.#openQueue();
    this.#watch = new ClusterWatch({
      probe: () => this.#probe(),
      onSign: () => this.#noteSign(),
      onLost: (error) => void this.#lose(error),
    });
    send({ kind: 'ready', versions: VERSIONS, card: cardOf(start, cluster) });
    const heart = setInterval(() => send(this.#heartbeat()), HEARTBEAT_MS);
    heart.unref();
    void ended.then(() => {
      clearInterval(heart);
      this.#watch.stop();
      cluster.http.close();
    });
    this.serving = { ended, receive: (message) => this.#receive(message) };
  }

  #openQueue(): PromptQueue {
    const { start, target, apiKey, send } = this.#options;
    const { http, base, found } = this.#cluster;
    const nowMs = (): number => performance.now();
    const answering = {
      ...{ http, base, apiKey, facts: found.facts, nowMs },
      room: new ClusterRoom({ nowMs, random: Math.random }),
      busyTimeoutMs: target.busyTimeoutMs,
      onSign: () => this.#noteSign(),
      send: (message: FromReader) => {
        if (message.kind === 'done') this.#generatedTokens += message.usage.generatedTokens;
        send(message);
      },
    };
    return new PromptQueue({
      maxRunning: start.maxBatchSize,
      send,
      answer: async (asked) => {
        if ((await answerPrompt(answering, asked)) === 'cluster.unreachable') this.#watch.suspect();
      },
      onDefect: (error) => {
        send({ kind: 'failed', ...explain(error) });
        this.#end(1);
      },
    });
  }

  #receive(message: ToReader): void {
    switch (message.kind) {
      case 'generate':
        this.#queue.accept(message);
        break;
      case 'ask':
        this.#options.send(answerForCluster(message));
        break;
      case 'cancel':
        this.#queue.cancel(message.requestId);
        break;
      case 'drain':
        void this.#queue.idle().then(() => this.#end(0));
        break;
      case 'limit':
        this.#queue.limitRunning(message.maxBatchSize);
        break;
      case 'start':
        break; // only the first message starts a reader
    }
  }

  #noteSign(): void {
    this.#signs += 1;
    this.#watch.noteSign();
  }

  /** @throws ClusterError */
  async #probe(): Promise<void> {
    const { http, found } = this.#cluster;
    const response = await askBriefly(http, found.probe);
    const status = response.statusCode ?? 0;
    const words = await readWords(response, this.#options.apiKey);
    // A server that counts requests is there.
    if (status !== 200 && status !== 429) throw errorOfStatus(status, words);
  }

  /** Its requests end here and are not handed to whoever takes this reader's place: none of them is to blame. */
  async #lose(error: ClusterError): Promise<void> {
    await this.#queue.fail(error);
    this.#options.send({ kind: 'failed', ...explain(error) });
    this.#end(1);
  }

  #heartbeat(): HeartbeatEvent {
    const prompts = this.#queue.counts;
    return {
      kind: 'heartbeat',
      running: prompts.running,
      steps: this.#signs,
      counts: {
        ...NOTHING_COUNTED,
        generatedTokens: this.#generatedTokens,
        prompts,
      },
    };
  }
}

function cardOf(
  { maxBatchSize, maxSequenceLength, imageTokenBudget }: ReaderStart,
  { base, found }: OpenCluster,
): ReaderCard {
  const { model, dialect, contextTokens } = found.facts;
  const known = contextTokens ?? UNKNOWN_CONTEXT_TOKENS;
  return {
    modelName: model,
    modelType: dialect,
    device: 'api',
    deviceReason: `the cluster at ${base.href}, ${dialect}`,
    contextTokens: maxSequenceLength === 0 ? known : Math.min(known, maxSequenceLength),
    maxSequences: maxBatchSize,
    vision: { aspect: 'whole', maxPixels: MAX_IMAGE_PIXELS },
    imageTokenBudget,
    loras: [],
  };
}
