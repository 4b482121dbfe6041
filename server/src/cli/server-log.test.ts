import { describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../../../test/oracles/recording-terminal.js';
import { ProgressLine } from './progress-line.js';
import { createServerLog } from './server-log.js';

describe('createServerLog', () => {
  it('writes JSON lines to standard output when the terminal is not interactive', () => {
    const terminal = new RecordingTerminal(false);
    createServerLog('info', terminal, new ProgressLine(terminal)).log.warn({ reader: 'r1' }, 'hello');
    expect(JSON.parse(terminal.written)).toMatchObject({ level: 40, reader: 'r1', msg: 'hello' });
    expect(terminal.complained).toBe('');
  });

  it('writes JSON lines on an interactive terminal for what asks for them', () => {
    const terminal = new RecordingTerminal(true);
    createServerLog('info', terminal, new ProgressLine(terminal)).logForms.json.info('hello');
    expect(JSON.parse(terminal.written)).toMatchObject({ msg: 'hello' });
  });

  it('writes lines for people, without colours, where the terminal is not interactive and they are asked for', async () => {
    const terminal = new RecordingTerminal(false);
    createServerLog('info', terminal, new ProgressLine(terminal)).logForms.forPeople.info('hello');
    await expect.poll(() => terminal.written).toMatch(/^\[\d\d:\d\d:\d\d\] INFO: hello\n$/u);
  });

  it('gathers lines where nobody watches, and writes them at once with the first warning', async () => {
    const terminal = new RecordingTerminal(false);
    const { log } = createServerLog('info', terminal, new ProgressLine(terminal));
    log.info('first');
    expect(terminal.written).toBe('');
    log.error('second');
    expect(
      terminal.written
        .trim()
        .split('\n')
        .map((text) => (JSON.parse(text) as { msg: string }).msg),
    ).toEqual(['first', 'second']);
    log.info('third');
    await expect.poll(() => terminal.written).toContain('third');
  });

  it('leaves out lines below its level', () => {
    const terminal = new RecordingTerminal(false);
    const { log } = createServerLog('warn', terminal, new ProgressLine(terminal));
    log.info('quiet');
    log.warn('loud');
    expect(terminal.written).not.toContain('quiet');
    expect(terminal.written).toContain('loud');
  });

  it('clears the progress line before it writes a line', async () => {
    const terminal = new RecordingTerminal(true);
    const line = new ProgressLine(terminal);
    const { log } = createServerLog('info', terminal, line);
    line.show('loading', null);
    log.info('hello');
    // pino-pretty is a stream, so the line arrives in a later turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    expect(terminal.complained.endsWith('\r\u001B[K')).toBe(true);
    expect(terminal.written).toContain('hello');
  });
});
