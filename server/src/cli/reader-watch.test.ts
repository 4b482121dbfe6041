import { describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../../../test/oracles/recording-terminal.js';
import { ConfigError, ReaderError } from '../errors.js';
import type { ReaderState } from '../gateway/readers/reader-state.js';
import { ProgressLine } from './progress-line.js';
import { ReaderWatch } from './reader-watch.js';

const LIVE: ReaderState = {
  kind: 'live',
  card: { modelName: '/m', modelType: 'x', device: 'cpu', contextTokens: 8, maxSequences: 1, vision: null },
  vision: null,
};
const dead = (code: string, restartInMs: number | null): ReaderState => ({
  kind: 'dead',
  code,
  reason: `because of ${code}`,
  restartInMs,
});

function watching(...readerIds: string[]): {
  terminal: RecordingTerminal;
  watch: ReaderWatch;
  clock: { nowMs: number };
} {
  const terminal = new RecordingTerminal();
  const clock = { nowMs: 0 };
  const line = new ProgressLine(terminal);
  const watch = new ReaderWatch({ readerIds, terminal, line, nowMs: () => clock.nowMs });
  return { terminal, watch, clock };
}

/** What allFailed has come to once everything that was due has run. */
async function outcome(watch: ReaderWatch): Promise<unknown> {
  let result: unknown = 'still hoping';
  watch.allFailed.catch((error: unknown) => {
    result = error;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return result;
}

describe('ReaderWatch', () => {
  it('shows loading and says after how long a reader is live', () => {
    const { terminal, watch, clock } = watching('r1');
    watch.see('r1', { kind: 'starting' });
    watch.see('r1', { kind: 'loading', stage: 'converting', fraction: 0.25 });
    clock.nowMs = 3_240;
    watch.see('r1', LIVE);
    expect(terminal.complained).toBe('converting:  20 %\nReady: /m is live after 3.2 s.\n');
  });

  it('gives up when every reader has failed for good, with all their reasons', async () => {
    const { watch } = watching('r1', 'r2');
    watch.see('r1', dead('checkpoint.missing', null));
    expect(await outcome(watch)).toBe('still hoping');
    watch.see('r2', dead('config.invalid', null));
    const error = await outcome(watch);
    expect(error).toBeInstanceOf(ReaderError);
    expect(error).toMatchObject({
      message:
        'because of checkpoint.missing (checkpoint.missing)\nbecause of config.invalid (config.invalid)',
    });
  });

  it('blames the configuration when nothing else is at fault', async () => {
    const { watch } = watching('r1');
    watch.see('r1', dead('config.invalid', null));
    expect(await outcome(watch)).toBeInstanceOf(ConfigError);
  });

  it('keeps hoping for readers that are started again', async () => {
    const { watch } = watching('r1');
    watch.see('r1', dead('reader.died', 250));
    expect(await outcome(watch)).toBe('still hoping');
  });
});
