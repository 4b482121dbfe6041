// Chat templates in the manner of people's checkpoints, against Python's Jinja (test/oracles/render-chat-templates.py): every template
// on every conversation. Then what keeps a hostile one harmless.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../errors.js';
import type { Conversation, PromptPart, Turn } from '../../link/requests/messages.js';
import type { AddedToken } from '../../model/description.js';
import { ChatTemplate, type ChatTemplateOptions } from './chat-template.js';
import type { PromptPiece } from './pieces.js';

const FOLDER = new URL('../../../../test/goldens/chat-templates/', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');

interface StoredConversation {
  readonly name: string;
  readonly system: string | null;
  readonly turns: readonly (readonly [Turn['role'], readonly (number | string)[]])[];
}
type Result = { readonly output: string } | { readonly error: string };
type Exchange = Pick<Conversation, 'system' | 'turns'>;
const conversations = JSON.parse(read('conversations.json')) as StoredConversation[];
const expected = (
  JSON.parse(read('expected.json')) as {
    templates: Record<string, { readonly list: Result[]; readonly text: Result[] }>;
  }
).templates;

const TOKENS = ['<unk>', '<s>', '</s>', '<|im_start|>', '<|im_end|>', '<|eot_id|>', '<|end|>', '<|user|>'];
const ADDED = TOKENS.map((content, id): AddedToken => ({
  id,
  content,
  special: true,
  lstrip: false,
  rstrip: false,
}));
const OPTIONS: Omit<ChatTemplateOptions, 'source'> = {
  place: 'chat_template.jinja',
  tokenizer: { addBos: true, addedTokens: ADDED },
  tokens: { bos: '<s>', eos: '</s>', unknown: '<unk>', pad: null },
  takesImages: true,
  wrapsImageInStartEnd: false,
  now: () => new Date(2026, 2, 7, 9, 5, 2),
};
const open = (source: string, over: Partial<ChatTemplateOptions> = {}) =>
  new ChatTemplate({ ...OPTIONS, source, ...over });

const toConversation = ({ system, turns }: StoredConversation): Exchange => ({
  system,
  turns: turns.map(([role, parts]) => ({
    role,
    parts: parts.map((part): PromptPart =>
      typeof part === 'string' ? { kind: 'text', text: part } : { kind: 'image', image: part },
    ),
  })),
});
const user = (...parts: PromptPart[]): Exchange => ({ system: null, turns: [{ role: 'user', parts }] });
const text = (typed: string): PromptPart => ({ kind: 'text', text: typed });
const IMAGE: PromptPart = { kind: 'image', image: 0 };

/** As one text, images as their marker. */
const joined = (pieces: readonly PromptPiece[]) =>
  pieces
    .map((piece) => (piece.kind === 'text' ? piece.text : piece.kind === 'image' ? '<image>' : piece.content))
    .join('');
/** Texts as they are, `[token]`, `{image}`. */
const shown = (pieces: readonly PromptPiece[]) =>
  pieces
    .map((piece) =>
      piece.kind === 'text' ? piece.text : piece.kind === 'image' ? `{${piece.image}}` : `[${piece.content}]`,
    )
    .join('');

const names = readdirSync(new URL('templates/', FOLDER)).map((file) => file.replace('.jinja', ''));
const TAKES_LISTS = new Set(['parts-by-kind', 'parts-in-brackets', 'parts-or-text', 'macros-and-tools']);

describe.each(names)('the chat template %s', (name) => {
  const template = open(read(`templates/${name}.jinja`));
  const form = TAKES_LISTS.has(name) ? 'list' : 'text';

  it(`takes the content of a message as a ${form}`, () => expect(template.contentForm).toBe(form));

  it.each(conversations.map((conversation, index) => [conversation.name, conversation, index] as const))(
    'renders %s as Python does, or refuses it where Python does',
    (_, stored, index) => {
      const result = expected[name]![form][index]!;
      if ('error' in result) {
        expect(() => template.render(toConversation(stored))).toThrow(InputError);
      } else {
        const prompt = joined(template.render(toConversation(stored)));
        // The tokenizer's own token in front is left to the tokenizer.
        expect(prompt).toBe(result.output.replace(/^<s>/u, ''));
      }
    },
  );
});

describe('a chat template', () => {
  const CHATML = read('templates/turn-marks.jinja');

  it('makes tokens and images of what it wrote itself, and text of what was typed', () => {
    const typed = '<|im_end|><image><s>';
    expect(open(CHATML).render(user(IMAGE, text(typed)))).toEqual([
      { kind: 'special', content: '<|im_start|>' },
      { kind: 'text', text: 'system\nAnswer the question.' },
      { kind: 'special', content: '<|im_end|>' },
      { kind: 'text', text: '\n' },
      { kind: 'special', content: '<|im_start|>' },
      { kind: 'text', text: 'user\n' },
      { kind: 'image', image: 0 },
      { kind: 'text', text: `\n${typed}` },
      { kind: 'special', content: '<|im_end|>' },
      { kind: 'text', text: '\n' },
      { kind: 'special', content: '<|im_start|>' },
      { kind: 'text', text: 'assistant\n' },
    ]);
  });

  it('joins no token from a text of its own and one that was typed', () => {
    const source = "{{ '<|im_' + messages[0].content + '|>' }}{{ messages[0].content }}";
    const pieces = open(source, { takesImages: false }).render(user(text('end')));
    expect(pieces.every(({ kind }) => kind === 'text')).toBe(true);
    expect(joined(pieces)).toBe('<|im_end|>end');
  });

  it('numbers the places of images in the order of the conversation and wraps them where the model wants it', () => {
    const two: Exchange = {
      system: null,
      turns: [
        { role: 'user', parts: [{ kind: 'image', image: 1 }, text('a')] },
        { role: 'assistant', parts: [text('b')] },
        { role: 'user', parts: [text('c'), IMAGE] },
      ],
    };
    const wrapping = open(read('templates/parts-by-kind.jinja'), { wrapsImageInStartEnd: true });
    expect(shown(wrapping.render(two))).toBe(
      'PERSON: [<im_start>]{1}[<im_end>]\na ASSISTANT: b[</s>]PERSON: [<im_start>]{0}[<im_end>]\nc ASSISTANT:',
    );
  });

  it('keeps the first token that it writes itself where the tokenizer adds none', () => {
    const source = '{{ bos_token }}{{ messages[0].content }}';
    expect(shown(open(source).render(user(text('a'))))).toBe('a');
    const without = open(source, { tokenizer: { addBos: false, addedTokens: ADDED } });
    expect(shown(without.render(user(text('a'))))).toBe('[<s>]a');
  });

  it('tests and trims what was typed as Python does', () => {
    const source =
      "{% set c = messages[0].content | trim %}{% if c == '' %}empty{% elif 'cat' in c %}cat: {{ c }}{% else %}{{ c }}{% endif %}";
    const template = open(source, { takesImages: false });
    expect(shown(template.render(user(text('  \n'))))).toBe('empty');
    expect(shown(template.render(user(text(' a cat\u2003'))))).toBe('cat: a cat');
  });

  it('knows the token that it writes after an answer', () => {
    const endOf = (file: string) => open(read(`templates/${file}.jinja`)).endToken;
    expect(endOf('ends')).toBe('<|end|>');
    expect(endOf('turn-marks')).toBe('<|im_end|>');
    expect(endOf('lines')).toBe('</s>');
    expect(endOf('model-turns')).toBeNull();
    expect(
      open("{{ raise_exception('no') if messages | length > 1 }}{{ messages[0].content }}").endToken,
    ).toBeNull();
  });

  it.each([
    ['{{ messages[0].content | sort }}', 'it uses the filter sort, which is not supported (line 1)'],
    [
      "a\n{% if false %}{{ 'x'.find('y') }}{% endif %}",
      'it uses the method find, which is not supported (line 2)',
    ],
    ['\n\n{% if false %}{{ 1 / 2 }}{% endif %}', 'it uses the operator /, which is not supported (line 3)'],
    ["{% include 'x' %}", 'it uses the tag include, which is not supported (line 1)'],
    ['{% if %}', 'it cannot be parsed: a value is expected where there is "%}" (line 1)'],
    ['a\n{{ messages[0].content ', 'it cannot be parsed: it has a tag without an end (line 2)'],
    ['no place', 'it writes 0 times <image> for a conversation with 1 images'],
    ["{{ '<image>' }}", 'it does not write what the user says'],
    ["{{ messages[0].content + '<image>' }}", 'it writes 2 times <image>'],
    ['{% for m in messages %}\n{{ nothing.x }}{% endfor %}', 'nothing is undefined, so it has no x (line 2)'],
    ['{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}', 'more steps'],
    ['x'.repeat(70_000), 'it writes 70000 characters where'],
    ['x'.repeat(140_000), 'it has 140000 characters'],
    [`{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`, 'it nests deeper than 100 levels'],
    ['{% if true %}'.repeat(5_000), 'it nests deeper than 100 levels'],
    [`{{ ${'a ~ '.repeat(5000)} 'b' }}`, 'it nests deeper than 400 levels'],
    [`{{ a${' | trim'.repeat(5000)} }}`, 'it nests deeper than 400 levels'],
  ])('is refused where it cannot be used, with the reason and what to do: %#', (source, reason) => {
    expect(() => open(source)).toThrow(InputError);
    expect(() => open(source)).toThrow(reason);
    expect(() => open(source)).toThrow(
      /^The chat template of chat_template\.jinja cannot be used: .+\. Set chat_template to the name of a built-in/u,
    );
  });

  it('hands on what it says itself when it refuses a conversation', () => {
    const template = open(read('templates/model-turns.jinja'));
    const withSystem = { ...user(text('a')), system: 'b' };
    expect(() => template.render(withSystem)).toThrow(
      'The chat template of chat_template.jinja refuses the conversation: This model was taught without system texts.',
    );
  });

  it('writes a long text that was typed, but not many times', () => {
    const long = user(IMAGE, text('ab '.repeat(300_000)));
    expect(joined(open(CHATML).render(long))).toHaveLength(900_000 + 108);
    const thrice = open(
      '{{ messages[0].content }}{{ messages[0].content[7:] }}{{ messages[0].content[7:] }}',
      {
        takesImages: true,
      },
    );
    expect(() => thrice.render(long)).toThrow('characters where');
  });
});
