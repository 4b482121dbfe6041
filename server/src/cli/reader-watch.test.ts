import { describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../../../test/oracles/recording-terminal.js';
import { ConfigError, ReaderError } from '../errors.js';
import type { ReaderState } from '../gateway/readers/reader-state.js';
import { ProgressLine } from './progress-line.js';
import { ReaderWatch } from './reader-watch.js';

const LIVE: ReaderState = {
  kind: 'live',
  card: {
    modelName: '/m',
    modelType: 'x',
    device: 'cpu',
    deviceReason: '',
    contextTokens: 8,
    maxSequences: 1,
    vision: null,
    imageTokenBudget: 'full',
    loras: [],
  },
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
  const readers = readerIds.map((readerId) => ({
    readerId,
    modelName: `/m/${readerId}`,
    consumerGroups: ['g'],
  }));
  const watch = new ReaderWatch({ readers, terminal, line, nowMs: () => clock.nowMs });
  return { terminal, watch, clock };
}

/** The outcome of allFailed after all pending callbacks have run. */
async function outcome(watch: ReaderWatch): Promise<unknown> {
  let result: unknown = 'still hoping';
  watch.allFailed.catch((error: unknown) => {
    result = error;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return result;
}

describe('ReaderWatch', () => {
  it('shows loading progress and prints how long a reader took to be live', () => {
    const { terminal, watch, clock } = watching('r1');
    watch.see('r1', { kind: 'starting' });
    watch.see('r1', { kind: 'loading', stage: 'converting', fraction: 0.25 });
    clock.nowMs = 3_240;
    watch.see('r1', LIVE);
    expect(terminal.complained).toBe('converting:  20 %\nReady: /m is live after 3.2 s.\n');
  });

  it('rejects allFailed with the reasons of all readers when none will be started again', async () => {
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

  it('says that a reader is dead for good, and why, while others go on', () => {
    const { terminal, watch } = watching('r1', 'r2');
    watch.see('r1', dead('checkpoint.missing', null));
    expect(terminal.complained).toBe(
      'Dead: /m/r1 (group g) cannot be served: because of checkpoint.missing (checkpoint.missing)\n',
    );
  });

  it('rejects allFailed with ConfigError when all reasons are config codes', async () => {
    const { watch } = watching('r1');
    watch.see('r1', dead('config.invalid', null));
    expect(await outcome(watch)).toBeInstanceOf(ConfigError);
  });

  it('does not reject allFailed while a reader is to be started again', async () => {
    const { watch } = watching('r1');
    watch.see('r1', dead('reader.died', 250));
    expect(await outcome(watch)).toBe('still hoping');
  });

  it('goes on when every reader has failed where one was added while the server ran', async () => {
    const { watch, terminal } = watching('a');
    watch.see('added', { kind: 'starting' });
    watch.see('added', dead('checkpoint.missing', null));
    watch.see('a', dead('checkpoint.missing', null));
    expect(await outcome(watch)).toBe('still hoping');
    expect(terminal.complained).toContain('Dead: added');
  });
});
