import { afterEach, describe, expect, it } from 'vitest';
import { SseDecoder } from 'takeoff-wire';
import type { Constraint } from '../../../link/requests/messages.js';
import type { Script } from '../../readers/scripted-reader.fixture.js';
import { scriptedApp, type ScriptedApp } from '../scripted-app.fixture.js';

let opened: ScriptedApp | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});

const BODIES = {
  '/chat/completions': { messages: [{ role: 'user', content: 'ab' }] },
  '/completions': { prompt: 'ab' },
  '/responses': { input: 'ab' },
} as const;
type Route = keyof typeof BODIES;

async function ask(route: Route, fields: object, script?: Script) {
  opened ??= await scriptedApp(script === undefined ? {} : { script });
  return opened.app.inject({
    method: 'POST',
    url: `/v1${route}`,
    payload: { model: 'primary', ...BODIES[route], ...fields },
  });
}
const dataOf = (payload: Buffer): unknown[] =>
  new SseDecoder()
    .push(payload)
    .map(({ data }): unknown => (data === '[DONE]' ? data : (JSON.parse(data) as unknown)));

async function constraintOf(route: Route, fields: object): Promise<Constraint | null> {
  const response = await ask(route, fields);
  expect([response.statusCode, response.body]).toEqual([200, expect.any(String)]);
  return (await opened!.readers.last.next('generate')).constraint;
}
async function refusalOf(
  route: Route,
  fields: object,
): Promise<{ param: string; code: string; message: string }> {
  const response = await ask(route, fields);
  expect(response.statusCode).toBe(400);
  return response.json<{ error: { param: string; code: string; message: string } }>().error;
}

/** Answers every prompt with these pieces of text. */
const saying =
  (...pieces: readonly string[]): Script =>
  ({ requestId, prompts }, reader) =>
    prompts.forEach((_, prompt) => {
      for (const text of pieces) reader.say({ kind: 'token', requestId, prompt, text });
      reader.done(requestId, prompt);
    });

const SCHEMA = { type: 'object', properties: { b: {}, a: {} } };
const jsonSchema = (field: string, schema: object = SCHEMA) => ({
  kind: 'json_schema',
  field,
  schema: JSON.stringify(schema),
});
const namedSchema = { name: 'shape', schema: SCHEMA };

describe('the constraint of answers', () => {
  it.each<[Route, object, object]>([
    [
      '/chat/completions',
      { response_format: { type: 'json_schema', json_schema: { ...namedSchema, strict: true } } },
      jsonSchema('response_format.json_schema.schema'),
    ],
    [
      '/completions',
      { response_format: { type: 'json_schema', json_schema: namedSchema } },
      jsonSchema('response_format.json_schema.schema'),
    ],
    [
      '/responses',
      { text: { format: { type: 'json_schema', ...namedSchema, strict: null } } },
      jsonSchema('text.format.schema'),
    ],
    [
      '/chat/completions',
      { response_format: { type: 'json_object' } },
      jsonSchema('response_format', { type: 'object' }),
    ],
    [
      '/responses',
      { text: { format: { type: 'json_object' } } },
      jsonSchema('text.format', { type: 'object' }),
    ],
    [
      '/chat/completions',
      { response_format: { type: 'json_object', value: SCHEMA } },
      jsonSchema('response_format.value'),
    ],
    [
      '/chat/completions',
      { response_format: { type: 'json_object', schema: SCHEMA } },
      jsonSchema('response_format.schema'),
    ],
    [
      '/chat/completions',
      { response_format: { type: 'json', value: SCHEMA } },
      jsonSchema('response_format.value'),
    ],
    [
      '/chat/completions',
      { response_format: { type: 'regex', value: 'a+' } },
      { kind: 'regex', field: 'response_format.value', pattern: 'a+' },
    ],
    ['/chat/completions', { guided_json: SCHEMA }, jsonSchema('guided_json')],
    ['/completions', { guided_json: JSON.stringify(SCHEMA) }, jsonSchema('guided_json')],
    ['/responses', { guided_regex: 'a+' }, { kind: 'regex', field: 'guided_regex', pattern: 'a+' }],
    [
      '/completions',
      { guided_choice: ['b', 'a'] },
      { kind: 'choices', field: 'guided_choice', choices: ['b', 'a'] },
    ],
  ])('of %s follows from %j', async (route, fields, constraint) => {
    expect(await constraintOf(route, fields)).toEqual(constraint);
  });

  it.each<[Route, object]>([
    ['/chat/completions', { response_format: { type: 'text' }, guided_json: null }],
    ['/chat/completions', { tools: [{ type: 'function', function: { name: 'a' } }] }],
    ['/chat/completions', { tools: [{ type: 'function', function: { name: 'a' } }], tool_choice: 'none' }],
    ['/chat/completions', { tools: [], tool_choice: 'auto' }],
    ['/responses', { text: { format: { type: 'text' } }, tools: null, tool_choice: null }],
    [
      '/responses',
      {
        tools: [{ type: 'function', name: 'a', parameters: null }],
        tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'a' }] },
      },
    ],
  ])('of %s is none for %j', async (route, fields) => {
    expect(await constraintOf(route, fields)).toBeNull();
  });

  it.each<[Route, object, string, string]>([
    ['/chat/completions', { response_format: 'json' }, 'response_format', 'field_invalid'],
    ['/chat/completions', { response_format: { type: 'xml' } }, 'response_format.type', 'field_invalid'],
    [
      '/chat/completions',
      { response_format: { type: 'json_schema' } },
      'response_format.json_schema',
      'field_invalid',
    ],
    [
      '/chat/completions',
      { response_format: { type: 'json_schema', json_schema: { name: 'a b', schema: {} } } },
      'response_format.json_schema.name',
      'field_invalid',
    ],
    [
      '/chat/completions',
      { response_format: { type: 'json_schema', json_schema: { ...namedSchema, strict: 'yes' } } },
      'response_format.json_schema.strict',
      'field_invalid',
    ],
    [
      '/chat/completions',
      { response_format: { type: 'json_schema', json_schema: { name: 'a' } } },
      'response_format.json_schema.schema',
      'field_invalid',
    ],
    [
      '/responses',
      { text: { format: { type: 'json_schema', schema: SCHEMA } } },
      'text.format.name',
      'field_invalid',
    ],
    [
      '/responses',
      { text: { format: { type: 'json_schema', name: 'x'.repeat(65), schema: SCHEMA } } },
      'text.format.name',
      'field_invalid',
    ],
    ['/completions', { guided_json: '{' }, 'guided_json', 'field_invalid'],
    ['/completions', { guided_json: [] }, 'guided_json', 'field_invalid'],
    ['/completions', { guided_choice: 'a' }, 'guided_choice', 'field_invalid'],
    ['/completions', { guided_choice: ['a', 1] }, 'guided_choice[1]', 'field_invalid'],
    ['/completions', { guided_choice: [] }, 'guided_choice', 'field_invalid'],
    ['/completions', { guided_json: {}, guided_regex: 'a' }, 'guided_regex', 'not_supported'],
    [
      '/chat/completions',
      { guided_regex: 'a', response_format: { type: 'json_object' } },
      'guided_regex',
      'not_supported',
    ],
  ])('is refused by %s for %j with the field', async (route, fields, param, code) => {
    expect(await refusalOf(route, fields)).toMatchObject({ param, code: `request.${code}` });
  });

  it('that a reader cannot enforce is refused with its field, in both forms', async () => {
    const script: Script = ({ requestId, constraint }, reader) =>
      reader.say({
        kind: 'error',
        requestId,
        prompt: 0,
        code: 'request.constraint_unsupported',
        message: `${constraint?.field ?? ''}/not cannot be enforced.`,
        field: constraint?.field ?? '',
      });
    for (const stream of [false, true]) {
      const asked = { stream, text: { format: { type: 'json_schema', name: 'a', schema: { not: {} } } } };
      const response = await ask('/responses', asked, script);
      expect([response.statusCode, response.json()]).toEqual([
        400,
        {
          error: {
            message: 'text.format.schema/not cannot be enforced.',
            type: 'invalid_request_error',
            param: 'text.format.schema',
            code: 'request.constraint_unsupported',
          },
        },
      ]);
    }
  });
});

const chatTool = (name: string, parameters?: object) => ({
  type: 'function',
  function: { name, parameters },
});
const tool = (name: string, parameters?: object) => ({ type: 'function', name, parameters });

describe('the call of a function that is required', () => {
  const choose = (name: string) => ({ type: 'function', function: { name } });

  it.each<[Route, string, object, string]>([
    [
      '/chat/completions',
      'a named function',
      { tools: [chatTool('a'), chatTool('b', SCHEMA)], tool_choice: choose('b') },
      'tools[1].function.parameters',
    ],
    [
      '/chat/completions',
      'the only one',
      { tools: [chatTool('b', SCHEMA)], tool_choice: 'required' },
      'tools[0].function.parameters',
    ],
    [
      '/chat/completions',
      'the only one that is allowed',
      {
        tools: [chatTool('a'), chatTool('b', SCHEMA)],
        tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [choose('b')] } },
      },
      'tools[1].function.parameters',
    ],
    [
      '/responses',
      'a named function',
      { tools: [tool('a'), tool('b', SCHEMA)], tool_choice: { type: 'function', name: 'b' } },
      'tools[1].parameters',
    ],
  ])('binds the answer of %s to the parameters of %s', async (route, _, fields, field) => {
    expect(await constraintOf(route, fields)).toEqual(jsonSchema(field));
  });

  it('binds the answer to a call of one of several, whose arguments are objects', async () => {
    const tools = [tool('a'), tool('b', { properties: { c: {} } })];
    expect(await constraintOf('/responses', { tools, tool_choice: 'required' })).toEqual({
      kind: 'function_call',
      field: 'tools',
      functions: [
        {
          name: 'a',
          parameters: jsonSchema('tools[0].parameters', {
            type: 'object',
            properties: {},
            additionalProperties: false,
          }),
        },
        {
          name: 'b',
          parameters: jsonSchema('tools[1].parameters', { type: 'object', properties: { c: {} } }),
        },
      ],
    });
  });

  it('leaves no text that a format could bind', async () => {
    const fields = { tools: [chatTool('b', SCHEMA)], tool_choice: 'required' };
    expect(
      await constraintOf('/chat/completions', { ...fields, response_format: { type: 'json_object' } }),
    ).toEqual(jsonSchema('tools[0].function.parameters'));
    expect(await refusalOf('/chat/completions', { ...fields, guided_regex: 'a' })).toMatchObject({
      param: 'guided_regex',
      code: 'request.not_supported',
    });
  });

  it.each<[object, string, string]>([
    [{ tools: {} }, 'tools', 'field_invalid'],
    [{ tools: Array.from({ length: 129 }, () => chatTool('a')) }, 'tools', 'field_invalid'],
    [{ tools: [{ function: {} }] }, 'tools[0].type', 'field_invalid'],
    [{ tools: [{ type: 'custom', custom: { name: 'a' } }] }, 'tools[0].type', 'not_supported'],
    [{ tools: [{ type: 'function' }] }, 'tools[0].function', 'field_invalid'],
    [{ tools: [chatTool('a'), chatTool('a b')] }, 'tools[1].function.name', 'field_invalid'],
    [{ tools: [chatTool('x'.repeat(65))] }, 'tools[0].function.name', 'field_invalid'],
    [{ tools: [chatTool('a', [])] }, 'tools[0].function.parameters', 'field_invalid'],
    [{ tools: [chatTool('a', { type: 'array' })] }, 'tools[0].function.parameters.type', 'field_invalid'],
    [{ tool_choice: 'required' }, 'tools', 'field_invalid'],
    [{ tools: [], tool_choice: choose('a') }, 'tool_choice.function.name', 'field_invalid'],
    [{ tools: [chatTool('a')], tool_choice: choose('b') }, 'tool_choice.function.name', 'field_invalid'],
    [{ tools: [chatTool('a')], tool_choice: 'any' }, 'tool_choice', 'field_invalid'],
    [{ tools: [chatTool('a')], tool_choice: { type: 'custom' } }, 'tool_choice.type', 'not_supported'],
    [
      {
        tools: [chatTool('a')],
        tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [choose('b')] } },
      },
      'tool_choice.allowed_tools.tools[0].function.name',
      'field_invalid',
    ],
  ])('is refused for %j by the field %s', async (fields, param, code) => {
    expect(await refusalOf('/chat/completions', fields)).toMatchObject({ param, code: `request.${code}` });
  });

  it('may have schemas of 262,144 characters together', async () => {
    const large = { const: 'x'.repeat(140_000) };
    const refusal = await refusalOf('/responses', {
      tools: [tool('a', large), tool('b', large)],
      tool_choice: 'required',
    });
    expect(refusal).toMatchObject({ param: 'tools', code: 'request.constraint_too_large' });
  });
});

const CALL_ID = expect.stringMatching(/^call_[0-9a-f]{26}$/u) as unknown;
const ONE = { tools: [chatTool('draw', SCHEMA)], tool_choice: 'required' };
const SEVERAL = { tools: [chatTool('stop'), chatTool('draw', SCHEMA)], tool_choice: 'required' };
const WRAPPED = ['{"na', 'me": "dr', 'aw", "arguments"', ': {"b":', ' "}\\"{", "a": [{}]', '}', '}'];
const ARGUMENTS = '{"b": "}\\"{", "a": [{}]}';

describe('the call of a function in a chat', () => {
  it.each([
    ['of one function', ONE, [ARGUMENTS]],
    ['of one of several', SEVERAL, WRAPPED],
  ])('%s is a message without content', async (_, fields, pieces) => {
    const response = await ask('/chat/completions', { ...fields, n: 2 }, saying(...pieces));
    const { choices } = response.json<{ choices: { message: { tool_calls: { id: string }[] } }[] }>();
    const message = {
      role: 'assistant',
      content: null,
      refusal: null,
      tool_calls: [{ id: CALL_ID, type: 'function', function: { name: 'draw', arguments: ARGUMENTS } }],
    };
    expect(choices).toEqual(
      [0, 1].map((index) => ({ index, message, logprobs: null, finish_reason: 'tool_calls' })),
    );
    expect(new Set(choices.map((choice) => choice.message.tool_calls[0]?.id)).size).toBe(2);
  });

  it.each([
    ['of one function', ONE, ['{"b": "}\\"{",', ' "a": [{}]}']],
    ['of one of several', SEVERAL, WRAPPED],
  ])('%s streams the name, then the arguments', async (_, fields, pieces) => {
    const { rawPayload } = await ask('/chat/completions', { ...fields, stream: true }, saying(...pieces));
    const deltas = dataOf(rawPayload)
      .slice(0, -1)
      .map(
        (chunk) =>
          (
            chunk as {
              choices: {
                delta: { content?: null; tool_calls?: { index: number; function: { arguments: string } }[] };
                finish_reason: string | null;
              }[];
            }
          ).choices[0],
      );
    const begun = { index: 0, id: CALL_ID, type: 'function', function: { name: 'draw', arguments: '' } };
    expect(deltas[0]?.delta).toEqual({ role: 'assistant', content: null, refusal: null });
    expect(deltas[1]?.delta).toEqual({ tool_calls: [begun] });
    const pieces2 = deltas.slice(2, -1).map((one) => one?.delta.tool_calls?.[0]);
    expect(pieces2.map((piece) => piece?.function.arguments ?? '').join('')).toBe(ARGUMENTS);
    expect(pieces2.every((piece) => piece?.index === 0)).toBe(true);
    expect(deltas.at(-1)).toMatchObject({ delta: {}, finish_reason: 'tool_calls' });
  });

  it('that was cut says length, and tells of no call before its name', async () => {
    const cut =
      (text: string): Script =>
      ({ requestId }, reader) => {
        reader.token(requestId, text);
        reader.done(requestId, 0, 'length');
      };
    const named = await ask('/chat/completions', ONE, cut('{"b'));
    expect(named.json()).toMatchObject({
      choices: [{ finish_reason: 'length', message: { tool_calls: [{ function: { arguments: '{"b' } }] } }],
    });
    await opened?.close();
    opened = undefined;
    const unnamed = await ask('/chat/completions', SEVERAL, cut('{"name": "dr'));
    expect(unnamed.json<{ choices: object[] }>().choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: null, refusal: null },
        logprobs: null,
        finish_reason: 'length',
      },
    ]);
  });

  it('has the log probabilities of all its tokens', async () => {
    const script: Script = ({ requestId }, reader) => {
      for (const text of WRAPPED) {
        const logprobs = [{ bytes: new TextEncoder().encode(text), logprob: -1, top: [] }];
        reader.say({ kind: 'token', requestId, prompt: 0, text, logprobs });
      }
      reader.done(requestId);
    };
    const { rawPayload } = await ask(
      '/chat/completions',
      { ...SEVERAL, logprobs: true, stream: true },
      script,
    );
    const told = dataOf(rawPayload).flatMap(
      (chunk) =>
        (chunk as { choices?: { logprobs: { content: { token: string }[] } | null }[] }).choices?.flatMap(
          ({ logprobs }) => logprobs?.content ?? [],
        ) ?? [],
    );
    expect(told.map(({ token }) => token)).toEqual(WRAPPED);
  });
});

describe('the call of a function in a response', () => {
  const asked = { tools: [tool('stop'), tool('draw', SCHEMA)] };
  const item = {
    id: expect.stringMatching(/^fc_/u) as unknown,
    type: 'function_call',
    status: 'completed',
    call_id: expect.stringMatching(/^call_/u) as unknown,
    name: 'draw',
    arguments: ARGUMENTS,
  };

  it('is the item that is put out, and what was asked is repeated', async () => {
    const choice = { type: 'function', name: 'draw' };
    const response = await ask('/responses', { ...asked, tool_choice: choice }, saying(ARGUMENTS));
    expect(response.json()).toMatchObject({
      status: 'completed',
      output: [item],
      tool_choice: choice,
      tools: [
        { type: 'function', name: 'stop', description: null, parameters: null, strict: null },
        { type: 'function', name: 'draw', parameters: SCHEMA },
      ],
    });
  });

  it('is built by its events', async () => {
    const fields = { ...asked, tool_choice: 'required', stream: true };
    const { rawPayload } = await ask('/responses', fields, saying(...WRAPPED));
    const events = dataOf(rawPayload) as { type: string; delta?: string }[];
    expect(events.map(({ type }) => type.replace('response.', ''))).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      ...['', '', ''].map(() => 'function_call_arguments.delta'),
      'function_call_arguments.done',
      'output_item.done',
      'completed',
    ]);
    expect(events[2]).toMatchObject({
      output_index: 0,
      item: { ...item, status: 'in_progress', arguments: '' },
    });
    expect(events.map(({ delta = '' }) => delta).join('')).toBe(ARGUMENTS);
    expect(events[6]).toMatchObject({ item_id: item.id, name: 'draw', arguments: ARGUMENTS });
    expect(events[7]).toMatchObject({ item });
    expect(events[8]).toMatchObject({ response: { output: [item], tool_choice: 'required' } });
  });

  it('repeats the format of text that it was asked for', async () => {
    const format = { type: 'json_schema', ...namedSchema, strict: true };
    const response = await ask('/responses', { text: { format } }, saying('{}'));
    expect(response.json()).toMatchObject({ text: { format }, output: [{ type: 'message' }] });
  });
});
