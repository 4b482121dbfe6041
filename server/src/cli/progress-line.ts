// Shows the progress of a long task: one line that is overwritten on an interactive terminal, a few lines in a log.
import type { Terminal } from './terminal.js';

const BAR_CHARACTERS = 30;
/** A log, whose lines cannot be overwritten, gets a line for each tenth. */
const LOGGED_STEPS = 10;

export class ProgressLine {
  readonly #terminal: Terminal;
  #shown = '';

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** `fraction` is 0 to 1, or null when progress cannot be measured. */
  show(stage: string, fraction: number | null): void {
    if (this.#terminal.isInteractive) this.#draw(stage, fraction);
    else this.#log(stage, fraction);
  }

  /** Leaves the line free for other output; the next show starts anew. */
  clear(): void {
    if (this.#terminal.isInteractive && this.#shown !== '') this.#terminal.err('\r\u001B[K');
    this.#shown = '';
  }

  #draw(stage: string, fraction: number | null): void {
    const filled = Math.round((fraction ?? 0) * BAR_CHARACTERS);
    const bar = `[${'='.repeat(filled)}${' '.repeat(BAR_CHARACTERS - filled)}]`;
    const line = fraction === null ? `${stage} …` : `${bar} ${percent(fraction)} ${stage}`;
    if (line === this.#shown) return;
    this.#terminal.err(`\r${line}\u001B[K`);
    this.#shown = line;
  }

  #log(stage: string, fraction: number | null): void {
    const step = fraction === null ? null : Math.floor(fraction * LOGGED_STEPS) / LOGGED_STEPS;
    const line = step === null ? stage : `${stage}: ${percent(step)}`;
    if (line === this.#shown) return;
    this.#terminal.err(`${line}\n`);
    this.#shown = line;
  }
}

const percent = (fraction: number): string => `${Math.floor(fraction * 100)} %`.padStart(5);
