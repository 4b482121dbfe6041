import { describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../../../test/oracles/recording-terminal.js';
import { ProgressLine } from './progress-line.js';
import { createServerLog } from './server-log.js';

describe('createServerLog', () => {
  it('writes JSON lines to standard output where nobody watches', () => {
    const terminal = new RecordingTerminal(false);
    createServerLog('info', terminal, new ProgressLine(terminal)).info({ reader: 'r1' }, 'hello');
    expect(JSON.parse(terminal.written)).toMatchObject({ level: 30, reader: 'r1', msg: 'hello' });
    expect(terminal.complained).toBe('');
  });

  it('leaves out what is less important than the level', () => {
    const terminal = new RecordingTerminal(false);
    const log = createServerLog('warn', terminal, new ProgressLine(terminal));
    log.info('quiet');
    log.warn('loud');
    expect(terminal.written).not.toContain('quiet');
    expect(terminal.written).toContain('loud');
  });

  it('has no headers of requests in it, which the multipart parser would log', () => {
    const terminal = new RecordingTerminal(false);
    const log = createServerLog('trace', terminal, new ProgressLine(terminal));
    log.trace({ busboyOptions: { headers: { authorization: 'SECRET' }, limits: { parts: 32 } } }, 'parsing');
    expect(terminal.written).toContain('"parts":32');
    expect(terminal.written).not.toContain('SECRET');
  });

  it('takes the progress line away before a line appears on the same screen', async () => {
    const terminal = new RecordingTerminal(true);
    const line = new ProgressLine(terminal);
    const log = createServerLog('info', terminal, line);
    line.show('loading', null);
    log.info('hello');
    // pino-pretty is a stream: the line arrives in a later turn.
    await new Promise((resolve) => setImmediate(resolve));
    expect(terminal.complained.endsWith('\r\u001B[K')).toBe(true);
    expect(terminal.written).toContain('hello');
  });
});
