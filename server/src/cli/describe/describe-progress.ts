// Tells the person at the keyboard how a run of `takeoff describe` goes: a bar with rate and remaining time on a screen, a line for
// each tenth in a log; and in the end what failed.
import type { TakeoffClientError } from 'takeoff-client';
import { ProgressLine } from '../progress-line.js';
import type { Terminal } from '../terminal.js';
import { kindByName } from './image-names.js';

/** More lines would push the summary off the screen; the list of failures in the output has all of them. */
const SHOWN_FAILURES = 50;
const REDRAW_MS = 100;

export interface RunCounts {
  readonly described: number;
  readonly failed: number;
}

export class DescribeProgress {
  readonly #terminal: Terminal;
  readonly #line: ProgressLine;
  readonly #total: number;
  readonly #startMs = performance.now();
  readonly #failures: string[] = [];
  #described = 0;
  #failed = 0;
  #couldConvert = false;
  #drawnMs = -Infinity;
  #waiting = '';

  /** `total` images are to be settled. */
  constructor(terminal: Terminal, total: number) {
    this.#terminal = terminal;
    this.#line = new ProgressLine(terminal);
    this.#total = total;
  }

  get counts(): RunCounts {
    return { described: this.#described, failed: this.#failed };
  }

  begin(): void {
    this.#draw();
  }

  settled(path: string, failure: TakeoffClientError | null): void {
    this.#waiting = '';
    if (failure === null) this.#described += 1;
    else {
      this.#failed += 1;
      this.#couldConvert ||=
        failure.code === 'image.format_unsupported' && kindByName(path) === 'convertible';
      if (this.#failures.length < SHOWN_FAILURES)
        this.#failures.push(`  ${path}: ${failure.message} (${failure.code})\n`);
    }
    this.#draw();
  }

  waiting(why: string, sinceMs: number): void {
    // In a log, whose lines cannot be overwritten, the time is left out, so that all pauses give the same line and one is written.
    const since = this.#terminal.isInteractive ? ` for ${seconds(sinceMs)}` : '';
    this.#waiting = `waiting for the server${since}: ${why}`;
    this.#line.show(this.#waiting, null);
  }

  /** A sentence of its own above the bar. */
  say(sentence: string): void {
    this.clear();
    this.#terminal.err(`${sentence}\n`);
  }

  /** Leaves the line free for other output. */
  clear(): void {
    this.#line.clear();
    this.#drawnMs = -Infinity;
  }

  /** The end of the run, failures by name. */
  summarise(failuresPlace: string | null): void {
    this.clear();
    const { described, failed } = this.counts;
    const elapsedMs = performance.now() - this.#startMs;
    const rate = `${seconds(elapsedMs)}, ${this.#rateText()}`;
    this.#terminal.err(`${described} described, ${failed} failed (${rate}).\n`);
    if (failed === 0) return;
    this.#terminal.err(`Failed:\n${this.#failures.join('')}`);
    if (failed > this.#failures.length) this.#terminal.err(`  and ${failed - this.#failures.length} more\n`);
    if (this.#couldConvert) this.#terminal.err('--convert reads TIFF, AVIF and HEIC.\n');
    if (failuresPlace !== null)
      this.#terminal.err(`They are listed in ${failuresPlace}; --retry-failed tries them again.\n`);
  }

  #draw(): void {
    const done = this.#described + this.#failed;
    const nowMs = performance.now();
    if (this.#terminal.isInteractive && nowMs - this.#drawnMs < REDRAW_MS && done < this.#total) return;
    this.#drawnMs = nowMs;
    this.#line.show(this.#terminal.isInteractive ? this.#stage(done) : 'describing', done / this.#total);
  }

  #stage(done: number): string {
    if (done === 0) return `0 of ${this.#total}`;
    const leftMs = ((performance.now() - this.#startMs) / done) * (this.#total - done);
    const failed = this.#failed === 0 ? '' : `, ${this.#failed} failed`;
    return `${done} of ${this.#total}, ${this.#rateText()}, ${seconds(leftMs)} left${failed}`;
  }

  #rateText(): string {
    const done = this.#described + this.#failed;
    const perSecond = done / ((performance.now() - this.#startMs) / 1000);
    return perSecond >= 1 ? `${perSecond.toFixed(1)}/s` : `${(perSecond * 60).toFixed(1)}/min`;
  }
}

/** 75,000 to "1:15 min". */
function seconds(ms: number): string {
  const whole = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)} min`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)} h`;
}
