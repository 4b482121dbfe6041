import { describe, expect, it, vi } from 'vitest';
import type { InferenceJob } from './jobs.js';
import { Mailbox } from './mailbox.js';

/** The highest address of a process with 57 bits of them: not every number of JavaScript holds it. */
const HIGHEST = 2n ** 56n - 1n;

const BATCH = { n_tokens: 2, token: null, embd: 16n, pos: 32n, n_seq_id: 48n, seq_id: HIGHEST, logits: 80n };

function ends(): { readonly caller: Mailbox; readonly thread: Mailbox } {
  const caller = new Mailbox();
  return { caller, thread: new Mailbox(caller.memory) };
}

describe('Mailbox', () => {
  it('hands a graph over', () => {
    const { caller, thread } = ends();
    const job: InferenceJob = { kind: 'graph', backend: 1n, graph: HIGHEST };
    caller.post(job);
    expect(thread.receive()).toEqual(job);
  });

  it('hands a decode over with its batch and what each sample may be', () => {
    const { caller, thread } = ends();
    const job: InferenceJob = {
      kind: 'decode',
      context: HIGHEST,
      batch: BATCH,
      vocabularySize: 128_256,
      samples: [
        { row: 0, sampler: 5n, banned: { from: 2 ** 31, tokens: [] }, topLogprobs: null },
        {
          row: 1,
          sampler: 6n,
          banned: { from: 32_000, tokens: [2, 31_999] },
          topLogprobs: 20,
          tentative: { allowed: Uint32Array.of(2 ** 32 - 1, 5) },
        },
      ],
    };
    caller.post(job);
    expect(thread.receive()).toEqual(job);
  });

  it('hands over samples from the last batch', () => {
    const { caller, thread } = ends();
    const job: InferenceJob = {
      kind: 'sample',
      context: HIGHEST,
      vocabularySize: 64,
      samples: [
        {
          row: 3,
          sampler: 5n,
          banned: { from: 60, tokens: [2] },
          topLogprobs: null,
          tentative: { allowed: Uint32Array.of(0, 1) },
        },
      ],
    };
    caller.post(job);
    expect(thread.receive()).toEqual(job);
  });

  it('holds as many samples as a batch can have', () => {
    const { caller, thread } = ends();
    const samples = Array.from({ length: 256 }, (_, row) => ({
      row,
      sampler: BigInt(row),
      banned: { from: 9, tokens: [row] },
      tentative: { allowed: null },
      topLogprobs: 0,
    }));
    caller.post({ kind: 'decode', context: 1n, batch: BATCH, vocabularySize: 10, samples });
    expect(thread.receive()).toMatchObject({ samples });
  });

  it('hands results back, each in the place of its job', () => {
    const { caller, thread } = ends();
    const top = [
      { token: 128_255, logprob: -0.25 },
      { token: 3, logprob: -9999 },
    ];
    for (const result of [
      {
        status: 0,
        sampled: [
          { token: 7, logprobs: null },
          { token: 128_255, logprobs: { logprob: -0.25, top } },
          { token: 1, logprobs: { logprob: 0, top: [] } },
        ],
      },
      { status: -3, sampled: [] },
    ]) {
      caller.post({ kind: 'graph', backend: 1n, graph: 2n });
      thread.receive();
      thread.writeResult(result);
      expect(caller.readResult()).toEqual(result);
    }
  });

  it('sleeps on when it is woken for a job that is over, instead of taking the result for a job', () => {
    const { caller, thread } = ends();
    caller.post({ kind: 'decode', context: 1n, batch: BATCH, vocabularySize: 10, samples: [] });
    thread.receive();
    thread.writeResult({ status: 0, sampled: [] });
    const next: InferenceJob = { kind: 'graph', backend: 5n, graph: 6n };
    const wait = vi.spyOn(Atomics, 'wait');
    try {
      wait.mockReturnValueOnce('ok').mockImplementationOnce(() => {
        caller.post(next);
        return 'ok';
      });
      expect(thread.receive()).toEqual(next);
      expect(wait).toHaveBeenCalledTimes(2);
    } finally {
      wait.mockRestore();
    }
  });

  it('refuses a job that is larger than its memory, instead of handing over a part', () => {
    const samples = Array.from({ length: 1_000 }, (_, row) => ({
      row,
      sampler: 1n,
      banned: { from: 9, tokens: [] },
      topLogprobs: null,
    }));
    expect(() =>
      new Mailbox().post({ kind: 'decode', context: 1n, batch: BATCH, vocabularySize: 10, samples }),
    ).toThrow('more addresses');
  });
});
