// Follows the states of the readers for the person who started the server: shows loading progress, says when a reader is live and
// when one is dead for good, and fails when every reader is.
import { ConfigError, ReaderError } from '../errors.js';
import type { ReaderState } from '../gateway/readers/reader-state.js';
import type { ProgressLine } from './progress-line.js';
import type { Terminal } from './terminal.js';

export interface WatchedReader {
  readonly readerId: string;
  readonly modelName: string;
  readonly consumerGroups: readonly string[];
}

export interface ReaderWatchOptions {
  readonly readers: readonly WatchedReader[];
  readonly terminal: Terminal;
  readonly line: ProgressLine;
  readonly nowMs: () => number;
}

export class ReaderWatch {
  /** Rejects when every reader has failed in a way that starting again cannot mend. */
  readonly allFailed: Promise<never>;
  readonly #options: ReaderWatchOptions;
  readonly #failures = new Map<string, { readonly code: string; readonly reason: string }>();
  /** Whether a reader was added that the configuration did not name: then the server has a task, whatever became of the others. */
  #hasAdded = false;
  readonly #startedMs = new Map<string, number>();
  #fail: (error: ConfigError | ReaderError) => void = () => undefined;

  constructor(options: ReaderWatchOptions) {
    this.#options = options;
    this.allFailed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    // A caller that never awaits allFailed must not end the process with an unhandled rejection.
    this.allFailed.catch(() => undefined);
  }

  see(readerId: string, state: ReaderState): void {
    const { terminal, line, nowMs } = this.#options;
    if (!this.#options.readers.some((known) => known.readerId === readerId)) this.#hasAdded = true;
    switch (state.kind) {
      case 'starting':
        this.#startedMs.set(readerId, nowMs());
        break;
      case 'loading':
        line.show(state.stage, state.fraction);
        break;
      case 'live': {
        const seconds = (nowMs() - (this.#startedMs.get(readerId) ?? nowMs())) / 1000;
        line.clear();
        terminal.err(`Ready: ${state.card.modelName} is live after ${seconds.toFixed(1)} s.\n`);
        break;
      }
      case 'dead':
        line.clear();
        if (state.restartInMs === null) this.#noteFailure(readerId, state);
        break;
      case 'draining':
      case 'stopped':
        break;
    }
  }

  #noteFailure(readerId: string, { code, reason }: { readonly code: string; readonly reason: string }): void {
    this.#failures.set(readerId, { code, reason });
    const { readers, terminal } = this.#options;
    if (this.#hasAdded || this.#failures.size < readers.length) {
      const { modelName = readerId, consumerGroups = [] } =
        readers.find((known) => known.readerId === readerId) ?? {};
      terminal.err(
        `Dead: ${modelName} (group ${consumerGroups.join(', ')}) cannot be served: ${reason} (${code})\n`,
      );
      return;
    }
    const failures = [...this.#failures.values()];
    const sentence = failures.map((failure) => `${failure.reason} (${failure.code})`).join('\n');
    const isConfig = failures.every((failure) => failure.code.startsWith('config.'));
    this.#fail(isConfig ? new ConfigError(sentence) : new ReaderError('reader.died', sentence));
  }
}
