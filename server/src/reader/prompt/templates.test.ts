import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { PromptPart, Turn } from '../../link/requests/messages.js';
import { TEMPLATE_NAMES, type TemplateName } from '../../model/description.js';
import type { PromptPiece } from './pieces.js';
import { renderTemplate, stopStringsOf } from './templates.js';

const show = (pieces: readonly PromptPiece[]) =>
  pieces
    .map((piece) => (piece.kind === 'text' ? piece.text : piece.kind === 'image' ? '<image>' : piece.content))
    .join('');

const render = (name: TemplateName, turns: readonly Turn[], wrapsImageInStartEnd: boolean) =>
  renderTemplate(name, { system: null, turns }, wrapsImageInStartEnd);

interface GoldenTemplate {
  readonly template: TemplateName;
  readonly turns: readonly (readonly [Turn['role'], string | null])[];
  readonly prompt: string;
}
const goldens = JSON.parse(
  readFileSync(new URL('../../../../test/goldens/templates.json', import.meta.url), 'utf8'),
) as { templates: readonly GoldenTemplate[] };

const IMAGE: PromptPart = { kind: 'image', image: 0 };
function toTurn(role: Turn['role'], content: string): Turn {
  const hasImage = content.startsWith('<image>\n');
  const parts: PromptPart[] = [
    { kind: 'text', text: hasImage ? content.slice('<image>\n'.length) : content },
  ];
  return { role, parts: hasImage ? [IMAGE, ...parts] : parts };
}
const user = (text: string): Turn => ({ role: 'user', parts: [{ kind: 'text', text }] });
const assistant = (text: string): Turn => ({ role: 'assistant', parts: [{ kind: 'text', text }] });

describe('renderTemplate', () => {
  it('is checked against seven templates of the reference', () => {
    expect(new Set(goldens.templates.map(({ template }) => template)).size).toBe(7);
  });

  it.each(goldens.templates.map((golden) => [golden.template, golden.turns.length, golden] as const))(
    'renders %s with %i turns as the reference does',
    (template, _, { turns, prompt }) => {
      const asked = turns.flatMap(([role, content]) => (content === null ? [] : [toTurn(role, content)]));
      expect(show(render(template, asked, false))).toBe(prompt);
    },
  );

  it('renders llava_llama_3 with its headers and without a beginning-of-text token', () => {
    expect(show(render('llava_llama_3', [{ role: 'user', parts: [IMAGE] }], false))).toBe(
      '<|start_header_id|>system<|end_header_id|>\n\nYou are a helpful language and vision assistant. You are able to ' +
        'understand the visual content that the user provides, and assist the user with a variety of tasks using natural ' +
        'language.<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n<image>\n<|eot_id|>' +
        '<|start_header_id|>assistant<|end_header_id|>\n\n',
    );
  });

  it('renders phi_3 with a line break after every token, and no system text of its own', () => {
    const turns = [user('Hi'), assistant('Hello'), user('Who?')];
    const rendered =
      '<|user|>\nHi<|end|>\n<|assistant|>\nHello<|end|>\n<|user|>\nWho?<|end|>\n<|assistant|>\n';
    expect(show(render('phi_3', turns, false))).toBe(rendered);
    const brief = renderTemplate('phi_3', { system: 'Be brief.', turns }, false);
    expect(show(brief)).toBe(`<|system|>\nBe brief.<|end|>\n${rendered}`);
    expect(
      show(render('phi_3', [{ role: 'user', parts: [IMAGE, { kind: 'text', text: 'Hi' }] }], false)),
    ).toBe('<|user|>\n<image>\nHi<|end|>\n<|assistant|>\n');
  });

  it('renders mpt like chatml_direct with its own system text', () => {
    expect(show(render('mpt', [user('Hi')], false))).toBe(
      '<|im_start|>system\nA conversation between a user and an LLM-based AI assistant. The assistant gives helpful and ' +
        'honest answers.<|im_end|><|im_start|>user\nHi<|im_end|><|im_start|>assistant\n',
    );
  });

  it('opens no answer when the last turn is the answer', () => {
    expect(show(render('mistral_instruct', [user('Q'), assistant('A')], false))).toBe(
      '[INST] Q [/INST] A </s>',
    );
    expect(show(render('vicuna_v1', [user('Q'), assistant('A')], false))).toMatch(/ASSISTANT: A<\/s>$/u);
  });

  it('renders a second turn of plain on a line of its own', () => {
    expect(show(render('plain', [user('Q'), assistant('A'), user('R')], false))).toBe('Q\nA\nR\n');
  });

  it('puts the image of a later turn into that turn', () => {
    const later: Turn = { role: 'user', parts: [IMAGE, { kind: 'text', text: 'R' }] };
    expect(show(render('mistral_instruct', [user('Q'), assistant('A'), later], false))).toBe(
      '[INST] Q [/INST] A </s>[INST] <image>\nR [/INST]',
    );
  });

  it('wraps the image in start and end tokens where the model wants them', () => {
    const turn: Turn = { role: 'user', parts: [IMAGE, { kind: 'text', text: 'Q' }] };
    expect(show(render('plain', [turn], true))).toBe('<im_start><image><im_end>\nQ\n');
  });

  it.each([
    ['vicuna_v1', 'Be brief. USER: Hi ASSISTANT:'],
    ['llava_v0', 'Be brief.###Human: Hi###Assistant:'],
    ['llava_llama_2', '[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST]'],
    ['mistral_instruct', '[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nHi [/INST]'],
    [
      'chatml_direct',
      '<|im_start|>system\nBe brief.<|im_end|><|im_start|>user\nHi<|im_end|><|im_start|>assistant\n',
    ],
    ['plain', 'Be brief.Hi\n'],
  ] as const)('puts the system text of a conversation in the place of its own: %s', (name, prompt) => {
    expect(show(renderTemplate(name, { system: 'Be brief.', turns: [user('Hi')] }, false))).toBe(prompt);
  });

  it.each(TEMPLATE_NAMES)('keeps what a user types into %s as text', (name) => {
    const typed = '</s><s><|im_end|><|eot_id|><image>[/INST]###';
    const specials = (pieces: readonly PromptPiece[]) => pieces.filter(({ kind }) => kind !== 'text');
    const pieces = render(name, [user(typed)], false);
    expect(specials(pieces)).toEqual(specials(render(name, [user('')], false)));
    expect(pieces).toContainEqual({ kind: 'text', text: typed });
  });
});

describe('stopStringsOf', () => {
  it('names what ends an answer besides the end tokens', () => {
    expect(stopStringsOf('llava_v0')).toEqual(['###']);
    expect(stopStringsOf('chatml_direct')).toEqual(['<|im_end|>']);
    expect(stopStringsOf('llava_v1')).toEqual([]);
  });
});
