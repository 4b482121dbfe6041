// What a scenario sees of the server that it is played to: it asks questions and notes figures. Every run of a scenario gets the same
// seed, whichever server it goes to, and other images and texts than every other run, so that no cache of an earlier one helps.
import { setTimeout as delay } from 'node:timers/promises';
import { peakMemoryBytes, residentMemoryBytes } from '../../harness/running-server.js';
import { Random } from '../../harness/random.js';
import { json } from '../macro/streams.js';
import { askOnce, type Answer, type AskOptions } from './answer.js';
import { drawImage, type DrawnImage, type Size } from './drawn-image.js';
import type { Question, ServerApi } from './server-api.js';

export interface Target {
  readonly name: string;
  readonly url: string;
  readonly api: ServerApi;
  /** Of the server's processes; none where they are not known. */
  readonly pids: () => readonly number[];
  /** Where it prints its metrics; null where that is not known. */
  readonly metricsUrl: string | null;
}

/** What a server keeps of images and prompts; NaN where it does not say. */
export interface CacheSizes {
  readonly featureBytes: number;
  /** With rows of prompts that have ended. */
  readonly cachedCells: number;
}

/** Steps of the language model so far; NaN where a server does not say. */
export interface Steps {
  readonly count: number;
  readonly seconds: number;
}

/** A little longer than readers take between two reports of what they count. */
const REPORT_MS = 1500;

export const PLAIN: Size = { widthPx: 640, heightPx: 480 };
/** As many tiles as LLaVA 1.6 cuts an image into at most. */
export const FIVE_TILES: Size = { widthPx: 1000, heightPx: 1000 };

/** Between tokens, in ms. */
export interface Trace {
  readonly scenario: string;
  readonly target: string;
  /** When each token of a stream came, since its first. */
  readonly tokensMs: readonly number[];
  /** While another client waited for its first token. */
  readonly busyFromMs: number;
  readonly busyToMs: number;
}

export interface Figure {
  readonly scenario: string;
  readonly name: string;
  readonly unit: string;
  readonly value: number;
}

export interface WorldOptions {
  readonly target: Target;
  readonly scenario: string;
  readonly seed: number;
  /** Of an answer that is read to its end. */
  readonly newTokens: number;
}

export class World {
  readonly figures: Figure[] = [];
  readonly traces: Trace[] = [];
  readonly random: Random;
  readonly #options: WorldOptions;
  #texts = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = new Random(options.seed);
  }

  get newTokens(): number {
    return this.#options.newTokens;
  }

  newImage(size: Size = PLAIN): Promise<DrawnImage> {
    return drawImage(this.random, size);
  }

  /** The text behind words that make it another than any before. */
  newText(text: string): string {
    this.#texts += 1;
    return `Question ${this.#options.seed}.${this.#texts}. ${text}`;
  }

  /** @throws Error when the server fails to answer */
  async ask(question: Question, options: AskOptions = {}): Promise<Answer> {
    const { api, url, name } = this.#options.target;
    const answer = await askOnce(api, url, question, options);
    if (answer.failure !== null) throw new Error(`${name} failed to answer: ${answer.failure}`);
    return answer;
  }

  figure(name: string, unit: string, value: number): void {
    this.figures.push({ scenario: this.#options.scenario, name, unit, value });
  }

  /** Of milliseconds between tokens. */
  gaps(name: string, gaps: readonly number[]): void {
    const sorted = [...gaps].sort((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
    for (const [label, share] of [
      ['p50', 0.5],
      ['p95', 0.95],
      ['p99', 0.99],
      ['max', 1],
    ] as const)
      this.figure(`${name}, ${label}`, 'ms', at(share));
  }

  /** Keeps a stream for the chart. */
  trace({ tokensMs }: Answer, fromMs: number, toMs: number): void {
    const zeroMs = tokensMs[0] ?? 0;
    this.traces.push({
      scenario: this.#options.scenario,
      target: this.#options.target.name,
      tokensMs: tokensMs.map((ms) => ms - zeroMs),
      busyFromMs: fromMs - zeroMs,
      busyToMs: toMs - zeroMs,
    });
  }

  /** Of the native API. Its answer is read, whatever it says. */
  async post(route: string, body: object): Promise<void> {
    const response = await fetch(`${this.#options.target.url}${route}`, json(body));
    await response.text();
  }

  /** After the reports of what has been asked so far. */
  async readCaches(): Promise<CacheSizes> {
    const read = await this.#readMetrics();
    return {
      featureBytes: read(/^takeoff_image_features_bytes\{.*\} (\S+)$/mu),
      cachedCells: read(/^takeoff_kv_cells\{.*state="cached".*\} (\S+)$/mu),
    };
  }

  /** As `readCaches`. */
  async readSteps(): Promise<Steps> {
    const read = await this.#readMetrics();
    return {
      count: read(/^takeoff_step_duration_seconds_count\{.*\} (\S+)$/mu),
      seconds: read(/^takeoff_step_duration_seconds_sum\{.*\} (\S+)$/mu),
    };
  }

  async #readMetrics(): Promise<(pattern: RegExp) => number> {
    const { metricsUrl } = this.#options.target;
    await delay(REPORT_MS);
    const metrics = metricsUrl === null ? '' : await (await fetch(metricsUrl)).text();
    return (pattern) => Number(pattern.exec(metrics)?.[1] ?? NaN);
  }

  /** Of all processes of the server now; NaN where they are not known. */
  residentMiB(): number {
    return sumOver(this.#options.target.pids(), residentMemoryBytes) / 2 ** 20;
  }
}

/** Of all processes of a server so far; NaN where they are not known. */
export const peakMiB = (pids: readonly number[]): number => sumOver(pids, peakMemoryBytes) / 2 ** 20;

const sumOver = (pids: readonly number[], bytes: (pid: number) => number): number =>
  pids.length === 0 || process.platform !== 'linux' ? NaN : pids.reduce((sum, pid) => sum + bytes(pid), 0);
