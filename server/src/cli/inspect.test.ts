import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../../../test/oracles/recording-terminal.js';
import { tinyCheckpoint, type TinyCheckpoint } from '../checkpoint/fixtures/tiny-checkpoint.fixture.js';
import type { Inspection } from '../checkpoint/inspect/inspection.js';
import { failureOf } from './exit-code.js';
import { inspect } from './inspect.js';

let tiny: TinyCheckpoint | undefined;
afterEach(() => {
  tiny?.remove();
  tiny = undefined;
});

async function run(source: string, isJson = false) {
  const terminal = new RecordingTerminal();
  const hub = {
    repositoryPath: '/nowhere',
    hubEndpoint: 'http://127.0.0.1:9',
    accessToken: null,
    hubOffline: true,
  };
  const { signal } = new AbortController();
  const failure = await inspect(
    { source, projectorFile: null, modelBase: null, hub, isJson, signal },
    terminal,
  ).then(() => undefined, failureOf);
  return { terminal, failure };
}

describe('takeoff inspect', () => {
  it('prints a line for each part and a table of memory', async () => {
    tiny = tinyCheckpoint();
    const { terminal, failure } = await run(tiny.folder);
    expect(failure).toBeUndefined();
    const lines = terminal.written.split('\n');
    for (const line of [
      /^architecture +LlavaLlamaForCausalLM, original layout$/u,
      /^language model +2 layers, 16 wide, 4 heads \(2 for keys and values\), vocabulary of 8$/u,
      /^context +64 tokens$/u,
      /^tensors +\d+ in 2 files, \S+ KiB \(\d+ F16\)$/u,
      /^vision tower +clip, inside the checkpoint: CLIP, 28 px, patches of 14 px, 2 of 3 layers, quick_gelu$/u,
      /^images +projector mlp2x_gelu, aspect pad, merge flat$/u,
      /^tokenizer +SentencePiece, not legacy, 8 tokens, /u,
      /^template +llava_v1 \(.+\)$/u,
      /^memory +weights +tower +cache of 64 tokens +together$/u,
      /^ {2}f16 \(auto\) +\S+ KiB +\S+ KiB +\S+ KiB +\S+ KiB$/u,
    ])
      expect(lines).toContainEqual(expect.stringMatching(line));
    expect(terminal.written).not.toContain('problems');
  });

  it('prints every problem of a checkpoint and fails', async () => {
    tiny = tinyCheckpoint({ config: { hidden_act: 'gelu' } });
    rmSync(join(tiny.folder, 'tokenizer.model'));
    const { terminal, failure } = await run(tiny.folder);
    expect(terminal.written).toMatch(/problems\n {2}- .*hidden_act.*\n {2}- .*There is no tokenizer/u);
    expect(failure).toMatchObject({ exitCode: 1 });
    expect(failure?.message).toContain('cannot be served: 2 problems were found');
  });

  it('prints the same facts as JSON', async () => {
    tiny = tinyCheckpoint();
    rmSync(join(tiny.folder, 'tokenizer.model'));
    const { terminal, failure } = await run(tiny.folder, true);
    const inspection = JSON.parse(terminal.written) as Inspection;
    expect(inspection.architecture).toBe('LlavaLlamaForCausalLM');
    expect(inspection.problems).toHaveLength(1);
    expect(inspection.problems[0]).toMatchObject({ code: 'checkpoint.incomplete' });
    expect(failure?.exitCode).toBe(1);
  });

  it('refuses an uncached model name offline, because nothing is downloaded', async () => {
    const { failure } = await run('owner/model');
    expect(failure).toMatchObject({ exitCode: 1 });
    expect(failure?.message).toMatch(/owner\/model: It is not in the model cache.*\(hub\.offline\)/u);
  });
});
