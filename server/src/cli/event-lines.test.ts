import { describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../../../test/oracles/recording-terminal.js';
import { EventLines } from './event-lines.js';

describe('EventLines', () => {
  it('shows downloads and conversions on the progress line and warnings on lines of their own', () => {
    const terminal = new RecordingTerminal();
    const lines = new EventLines(terminal);
    const part = (doneBytes: number) => ({ doneBytes, totalBytes: 200 });
    lines.show({ kind: 'downloading', progress: { repository: 'a/b', doneBytes: 0, totalBytes: 0 } });
    lines.show({ kind: 'downloading', progress: { repository: 'a/b', ...part(100) } });
    lines.show({ kind: 'warning', message: 'Trying again.' });
    lines.show({ kind: 'converting', progress: { part: 'vision tower', tensor: 't', ...part(200) } });
    lines.show({ kind: 'waiting', lockPath: '/x.lock' });
    const written = terminal.complained;
    expect(written).toContain('downloading a/b\n');
    expect(written).toContain('downloading a/b:  50 %\n');
    expect(written).toContain('warning: Trying again.\n');
    expect(written).toContain('converting the vision tower: 100 %\n');
    expect(written).toContain('/x.lock');
  });
});
