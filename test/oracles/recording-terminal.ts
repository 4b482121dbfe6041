// A terminal that records what is written to it.
import type { Terminal } from '../../server/src/cli/terminal.js';

export class RecordingTerminal implements Terminal {
  written = '';
  complained = '';
  readonly isInteractive: boolean;

  constructor(isInteractive = false) {
    this.isInteractive = isInteractive;
  }

  readonly out = (text: string): void => {
    this.written += text;
  };
  readonly err = (text: string): void => {
    this.complained += text;
  };
}
