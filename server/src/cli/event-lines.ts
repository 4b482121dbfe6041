// Shows the events of preparing a model: progress as a line that is overwritten, warnings as lines of their own.
import type { CacheEvent } from '../checkpoint/cache/model-cache.js';
import type { HubEvent } from '../checkpoint/hub/hub-event.js';
import { ProgressLine } from './progress-line.js';
import type { Terminal } from './terminal.js';

export class EventLines {
  readonly #line: ProgressLine;
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#line = new ProgressLine(terminal);
  }

  readonly show = (event: CacheEvent | HubEvent): void => {
    switch (event.kind) {
      case 'converting':
        this.#show(`converting the ${event.progress.part}`, event.progress);
        break;
      case 'downloading':
        this.#show(`downloading ${event.progress.repository}`, event.progress);
        break;
      case 'waiting':
        this.#line.show(`waiting for another process that prepares this (${event.lockPath})`, null);
        break;
      case 'warning':
        this.clear();
        this.#terminal.err(`warning: ${event.message}\n`);
        break;
    }
  };

  /** Leaves the line free for other output. */
  clear(): void {
    this.#line.clear();
  }

  #show(
    stage: string,
    { doneBytes, totalBytes }: { readonly doneBytes: number; readonly totalBytes: number },
  ): void {
    this.#line.show(stage, totalBytes === 0 ? null : doneBytes / totalBytes);
  }
}
