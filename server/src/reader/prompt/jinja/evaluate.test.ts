// What templates compute, against Python's Jinja (test/oracles/render-chat-templates.py), and the bounds of one rendering.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Budget } from './budget.js';
import { strftimeNow } from './day-of-request.js';
import { evaluateTemplate } from './evaluate.js';
import { MarkedText } from './marked-text.js';
import { parseTemplate } from './parse-template.js';
import { TemplateFault } from './template-fault.js';
import { Dict, List, NONE, type Value } from './values.js';

const read = (name: string): unknown =>
  JSON.parse(
    readFileSync(new URL(`../../../../../test/goldens/chat-templates/${name}.json`, import.meta.url), 'utf8'),
  );
type Result = { readonly output: string } | { readonly error: string };
const { variables, templates } = read('snippets') as {
  variables: Record<string, unknown>;
  templates: string[];
};
const expected = (read('expected') as { snippets: Result[] }).snippets;

function toValue(json: unknown): Value {
  if (json === null) return NONE;
  if (typeof json === 'string') return MarkedText.of(json, 'typed');
  if (typeof json === 'number' || typeof json === 'boolean') return json;
  if (Array.isArray(json)) return new List(json.map(toValue));
  return new Dict(new Map(Object.entries(json as object).map(([key, value]) => [key, toValue(value)])));
}
const VARIABLES = new Map<string, Value>([
  ...Object.entries(variables).map(([name, value]) => [name, toValue(value)] as const),
  ['strftime_now', strftimeNow(new Date(2026, 2, 7, 9, 5, 2))],
]);

const evaluate = (template: string, values: ReadonlyMap<string, Value> = VARIABLES, steps = 100_000) =>
  evaluateTemplate(parseTemplate(template), values, new Budget(steps)).text;
function faultOf(work: () => unknown): TemplateFault {
  try {
    work();
  } catch (error) {
    if (error instanceof TemplateFault) return error;
    throw error;
  }
  throw new Error('There was no fault.');
}

/** What Python renders and we refuse, by what the message says. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['{{ 1.0 }}', 'a number with a decimal point'],
  ['{{ 7 / 2 }}', 'the operator /'],
  ['{{ 2 ** 3 }}', 'the operator **'],
  ['{{ numbers }}', 'printing a list'],
  ['{{ message }}', 'printing a dict'],
  ["{{ 'é'.upper() }}", 'changing the case of characters outside ASCII'],
  ["{{ '%s!' % 'a' }}", 'formatting a text with %'],
  ["{{ 'abc'.find('b') }}", 'the method find'],
  ['{{ 7 is divisibleby(7) }}', 'the test divisibleby'],
  ['{{ message.content | safe }}', 'the filter safe'],
  ['{% filter upper %}a{% endfilter %}', 'the tag filter'],
  ["{{ ''.__class__ }}", 'the attribute __class__'],
  [
    "{% set generator = messages | map(attribute='role') %}{{ generator | first }}{{ generator | first }}",
    'going through a generator twice',
  ],
  [
    "{% for n in numbers %}{{ eos_token }}{% endfor %}{% set eos_token = 'x' %}",
    'setting eos_token after a block inside has used it',
  ],
  ['{{ 9007199254740993 }}', 'a number above 2^53'],
  ["{% include 'x' %}", 'the tag include'],
  ['{{ messages.append(1) }}', 'the method append'],
  ['{% for m in messages recursive %}{% endfor %}', 'a loop that calls itself'],
  ["{{ 'a' | nope }}", 'the filter nope'],
  ["{{ 'a' is nope }}", 'the test nope'],
  ['{% call m() %}{% endcall %}', 'the tag call'],
  ['{% with a = 1 %}{{ a }}{% endwith %}', 'the tag with'],
  ['{% set x | upper %}a{% endset %}{{ x }}', 'a filter of a set block'],
  ['{{ dict(a=1).a }}', 'the function dict'],
  ['{{ [2, 1] | sort | join }}', 'the filter sort'],
  ['{{ numbers * 2 }}', 'repeating a list'],
  ["{{ '\\N{BULLET}' }}", 'the escape \\N in a string'],
  ['{{ message[1, 2] }}', 'an index of several values'],
  ['{% for (a, b) in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}', 'assigning to something else than names'],
]);

/** Sets `ns.x` to an expression of itself so many times. */
const doubling = (start: string, next: string, times = 40): string =>
  `{% set ns = namespace(x=${start}) %}{% for i in range(${times}) %}{% set ns.x = ${next} %}{% endfor %}`;
/** The same as doubling a list, in an object of its own. */
const SECOND = doubling('[1]', '[other.x, other.x]').replaceAll(/\bns\b/gu, 'other');

describe('the evaluation of a template', () => {
  it.each(templates.map((template, index) => [template, expected[index]!] as const))(
    'computes what Python computes, or refuses: %s',
    (template, result) => {
      const refused = REFUSED.get(template);
      if (refused !== undefined) {
        expect(faultOf(() => evaluate(template))).toMatchObject({
          kind: 'unsupported',
          message: expect.stringContaining(refused) as unknown,
        });
      } else if ('error' in result) {
        expect(['failed', 'raised']).toContain(faultOf(() => evaluate(template)).kind);
      } else expect(evaluate(template)).toBe(result.output);
    },
  );

  it('refuses nothing beyond the list', () => {
    expect([...REFUSED.keys()].filter((template) => !templates.includes(template))).toEqual([]);
  });

  it.each([
    ['loops in loops', '{% for a in range(9999) %}'.repeat(4) + '{% endfor %}'.repeat(4)],
    ['a range that is too long', '{{ range(1000000000) }}'],
    ['many ranges', '{% for a in range(9999) %}{% set b = range(9999) %}{% endfor %}'],
    ['a text that is multiplied', "{{ 'x' * 1000000000 }}"],
    [
      'a text that is multiplied again and again',
      "{% set a = 'x' * 9999 %}{% set b = a * 9999 %}{{ b * 9999 }}",
    ],
    ['a text that doubles', doubling("'0123456789'", 'ns.x + ns.x')],
    ['a text that doubles in a block', doubling("'0123456789'", "ns.x ~ '' ~ ns.x")],
    ['a list that doubles', doubling('[1]', 'ns.x + ns.x')],
    ['a text that is joined with itself', doubling("'ab'", 'ns.x | list | join(ns.x)')],
    ['a text that is put into itself', doubling("'ab'", "ns.x.replace('a', ns.x)")],
    ['a list of itself that is compared', `${doubling('[1]', '[ns.x, ns.x]')}${SECOND}{{ ns.x == other.x }}`],
    [
      'a list of itself that is searched',
      `${doubling('[1]', '[ns.x, ns.x]')}${SECOND}{{ other.x in [ns.x] }}`,
    ],
    ['a list of itself that is written', `${doubling('[1]', '[ns.x, ns.x]')}{{ ns.x | tojson | length }}`],
    ['a deep list that is written', `${doubling('[1]', '[ns.x]', 2000)}{{ ns.x | tojson | length }}`],
    ['a macro that calls itself', '{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}'],
    [
      'macros that call each other',
      '{% macro a() %}{{ b() }}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}',
    ],
    ['a long text, character by character', '{% for c in long %}{% endfor %}'],
    [
      'a long text that is looked through for itself',
      '{% for i in range(999) %}{{ long[1:] in long }}{% endfor %}',
    ],
    [
      'a long text that is compared with itself',
      "{% for i in range(9999) %}{{ long == long ~ '' }}{% endfor %}",
    ],
    ['a long text whose ends are trimmed', '{% for i in range(9999) %}{% set x = long | trim %}{% endfor %}'],
  ])('ends in known time: %s', (_, template) => {
    const startedMs = performance.now();
    const values = new Map([...VARIABLES, ['long', toValue('x'.repeat(200_000))]]);
    expect(faultOf(() => evaluate(template, values, 500_000)).kind).toBe('too_large');
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('finds no property of JavaScript', () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty', 'length']) {
      expect(evaluate(`{{ message.${name} is defined }}{{ ${name} is defined }}`)).toBe('FalseFalse');
      expect(evaluate(`{{ 'a'['${name}'] is defined }}{{ messages['${name}'] is defined }}`)).toBe(
        'FalseFalse',
      );
    }
    expect(faultOf(() => evaluate('{{ message.__proto__ }}')).kind).toBe('unsupported');
    expect(faultOf(() => evaluate("{{ message['__proto__'] }}")).kind).toBe('unsupported');
    expect(faultOf(() => evaluate('{{ "a" | constructor }}')).message).toContain('the filter constructor');
    expect(faultOf(() => evaluate('{{ "a" is constructor }}')).message).toContain('the test constructor');
  });

  it('keeps who wrote a text through everything that is done to it', () => {
    const typed = new Map<string, Value>([['t', MarkedText.of(' Typed, TEXT ', 'typed')]]);
    const marks = (template: string) =>
      evaluateTemplate(parseTemplate(template), typed, new Budget(10_000)).stretches.map(
        ({ text, origin }) => `${origin === 'typed' ? '!' : ''}${text}`,
      );
    expect(marks('<{{ t | trim }}>')).toEqual(['<', '!Typed, TEXT', '>']);
    expect(marks("{{ '[' + t[1:6] + ']' }}")).toEqual(['[', '!Typed', ']']);
    expect(marks("{{ t.split(', ') | join('|') }}")).toEqual(['! Typed', '|', '!TEXT ']);
    expect(marks("{{ t.replace('TEXT', '</s>').strip() | upper }}")).toEqual(['!TYPED, ', '</S>']);
    expect(marks("{% set x %}a{{ t | lower }}{% endset %}{{ x ~ 'b' }}")).toEqual([
      'a',
      '! typed, text ',
      'b',
    ]);
    expect(marks('{% for c in t %}{{ c }}{% endfor %}')).toEqual(['! Typed, TEXT ']);
  });
});
