// Token ids of all prompts and texts of the goldens and of the demo model, against those of the reference. The vocabulary is the
// oracle of test/oracles; native-tokenizer.test.ts compares llama.cpp's with it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { PromptPart } from '../../server/src/link/requests/messages.js';
import type { TemplateName } from '../../server/src/model/description.js';
import { toTokenId } from '../../server/src/reader/ids.js';
import { encodePrompt, type EncodedPrompt } from '../../server/src/reader/prompt/encode.js';
import { OutputText } from '../../server/src/reader/prompt/output-text.js';
import { partsToPieces } from '../../server/src/reader/prompt/raw-prompt.js';
import { renderTemplate } from '../../server/src/reader/prompt/templates.js';
import { trustedTextToPieces } from '../oracles/trusted-text.js';
import { openCheckpointVocabulary } from '../oracles/sentencepiece-bpe.js';
import { toTurn } from './golden-case.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const readJson = (path: string): unknown => JSON.parse(readFileSync(`${ROOT}${path}`, 'utf8'));

const IMAGE = -200;
const toIds = ({ items }: EncodedPrompt) => items.map((item) => (item.kind === 'image' ? IMAGE : item.id));

interface GoldenRun {
  readonly id: string;
  readonly prompt: string;
  readonly inputIds: number[];
  readonly conversation?: {
    readonly template: TemplateName;
    readonly turns: readonly (readonly ['user' | 'assistant', string | null])[];
  } | null;
  readonly greedy: { readonly tokens: number[]; readonly text: string };
}

interface GoldenCase {
  readonly runs: readonly GoldenRun[];
  readonly tokenize: readonly { readonly text: string; readonly ids: number[]; readonly decoded: string }[];
}

const CASES = ['v15-llama-pad', 'v16-llama-anyres', 'v16-mistral-anyres', 'square-linear-224'];

describe.each(CASES)('the golden case %s', (name) => {
  const golden = readJson(`test/goldens/${name}/expected.json`) as GoldenCase;
  const tokenizer = openCheckpointVocabulary(`${ROOT}test/goldens/${name}/checkpoint`);
  const encodeTrusted = (text: string) =>
    toIds(encodePrompt(trustedTextToPieces(text, tokenizer.settings.addedTokens), tokenizer));

  it('has the recorded number of texts and runs', () => {
    expect(golden.tokenize).toHaveLength(41);
    expect(golden.runs.length).toBeGreaterThanOrEqual(26);
  });

  it.each(golden.tokenize.map(({ text, ids }) => [JSON.stringify(text), text, ids] as const))(
    'encodes the text %s as the reference does',
    (_, text, ids) => expect(encodeTrusted(text)).toEqual(ids),
  );

  it.each(golden.tokenize.map(({ text, ids, decoded }) => [JSON.stringify(text), ids, decoded] as const))(
    'decodes the ids of %s as the reference does',
    (_, ids, decoded) => {
      const output = new OutputText(tokenizer, []);
      const text = ids.filter((id) => id !== IMAGE).map((id) => output.push(toTokenId(id)).text);
      expect(text.join('') + output.finish().text).toBe(decoded);
    },
  );

  it.each(golden.runs.map((run) => [run.id, run] as const))(
    'encodes the run %s as the reference does',
    (_, run) => {
      expect(encodeTrusted(run.prompt)).toEqual(run.inputIds);
    },
  );

  const conversations = golden.runs.flatMap(({ id, conversation, inputIds }) =>
    conversation ? [[id, conversation, inputIds] as const] : [],
  );
  it.each(conversations)(
    'encodes the conversation of %s from its turns',
    (_, { template, turns }, inputIds) => {
      const asked = turns.flatMap(([role, text]) => (text === null ? [] : [toTurn(role, text)]));
      expect(
        toIds(encodePrompt(renderTemplate(template, { system: null, turns: asked }, false), tokenizer)),
      ).toEqual(inputIds);
    },
  );

  it.each(golden.runs.map((run) => [run.id, run] as const))(
    'decodes the answer of %s as the reference does',
    (_, run) => {
      const output = new OutputText(tokenizer, []);
      const text =
        run.greedy.tokens.map((token) => output.push(toTokenId(token)).text).join('') + output.finish().text;
      // The reference strips the answer; a stream cannot know its end.
      expect(text.trim()).toBe(run.greedy.text);
    },
  );
});

describe('the demo model', () => {
  interface Answer {
    readonly request: { readonly text: string; readonly use_chat_template?: boolean };
    readonly prompt_ids: number[];
    readonly answer: string;
    readonly answer_ids: number[];
  }
  const expected = readJson('models/demo/expected.json') as {
    images: readonly { image: string; answers: readonly Answer[] }[];
  };
  const tokenizer = openCheckpointVocabulary(`${ROOT}models/demo/checkpoint`);
  const answers = expected.images.flatMap(({ image, answers: list }) =>
    list.map((answer) => [`${image}: ${JSON.stringify(answer.request)}`, answer] as const),
  );

  it('has expected answers to requests with and without a chat template', () => {
    const templated = answers.filter(([, { request }]) => request.use_chat_template === true);
    expect(templated.length).toBeGreaterThan(0);
    expect(templated.length).toBeLessThan(answers.length);
  });

  it.each(answers)('gets the expected ids for %s', (_, { request, prompt_ids: promptIds }) => {
    const parts: PromptPart[] = [
      { kind: 'image', image: 0 },
      { kind: 'text', text: request.text },
    ];
    const pieces =
      request.use_chat_template === true
        ? renderTemplate('vicuna_v1', { system: null, turns: [{ role: 'user', parts }] }, false)
        : partsToPieces(parts, false);
    expect(toIds(encodePrompt(pieces, tokenizer))).toEqual(promptIds);
  });

  it.each(answers)('prints the expected answer for %s', (_, { answer, answer_ids: answerIds }) => {
    const output = new OutputText(tokenizer, []);
    expect(answerIds.map((token) => output.push(toTokenId(token)).text).join('') + output.finish().text).toBe(
      answer,
    );
  });
});
