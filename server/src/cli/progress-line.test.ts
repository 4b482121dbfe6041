import { describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../../../test/oracles/recording-terminal.js';
import { ProgressLine } from './progress-line.js';

describe('ProgressLine', () => {
  it('overwrites one line on an interactive terminal', () => {
    const terminal = new RecordingTerminal(true);
    const line = new ProgressLine(terminal);
    line.show('converting', 0.5);
    line.show('converting', 1);
    const half = `[${'='.repeat(15)}${' '.repeat(15)}]`;
    expect(terminal.complained).toBe(
      `\r${half}  50 % converting\u001B[K\r[${'='.repeat(30)}] 100 % converting\u001B[K`,
    );
  });

  it('writes nothing when the line has not changed', () => {
    const terminal = new RecordingTerminal(true);
    const line = new ProgressLine(terminal);
    line.show('loading', null);
    line.show('loading', null);
    expect(terminal.complained).toBe('\rloading …\u001B[K');
  });

  it('clears the line of an interactive terminal once', () => {
    const terminal = new RecordingTerminal(true);
    const line = new ProgressLine(terminal);
    line.clear();
    expect(terminal.complained).toBe('');
    line.show('loading', null);
    terminal.complained = '';
    line.clear();
    line.clear();
    expect(terminal.complained).toBe('\r\u001B[K');
  });

  it('writes a line for each stage and each tenth into a log', () => {
    const terminal = new RecordingTerminal(false);
    const line = new ProgressLine(terminal);
    line.show('loading', null);
    for (let percent = 0; percent <= 100; percent += 1) line.show('converting', percent / 100);
    line.clear();
    const tenths = Array.from({ length: 11 }, (_, tenth) => `converting: ${`${tenth * 10} %`.padStart(5)}\n`);
    expect(terminal.complained).toBe(`loading\n${tenths.join('')}`);
  });
});
