// openai-python and LangChain for Python in a virtual environment, pinned, against the demo model: the examples of docs/openai.md as
// printed, and answers of a form. Runs under `npm run test:openai` only; what pip cannot install is named and skipped.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RunningServer } from '../../harness/running-server.js';
import { examplesOf, ROOT } from '../client/page-examples.js';
import { isLongForm } from '../../harness/long-form.js';

const isAsked = isLongForm('test:openai');
const INSTALL_TIMEOUT_MS = 300_000;
const DESCRIPTION =
  'The picture shows a large yellow triangle on the right and a large purple circle at the bottom on a white background.';

const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-python-clients-'));
const python = path.join(folder, 'venv/bin/python');
const run = (...command: readonly string[]): string => {
  const [program = '', ...args] = command;
  return execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
};
let server: RunningServer;
beforeAll(async () => {
  if (!isAsked) return;
  symlinkSync(path.join(ROOT, 'models'), path.join(folder, 'models'));
  server = await RunningServer.start({ args: ['--repository-path', path.join(folder, 'cache')] });
}, INSTALL_TIMEOUT_MS);
afterAll(async () => {
  if (isAsked) await server.stop();
  rmSync(folder, { recursive: true });
});

/** Why the package cannot be had, or null. */
function whyMissing(pinned: string): string | null {
  try {
    run('python3', '-m', 'venv', path.join(folder, 'venv'));
    run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', pinned);
    return null;
  } catch (error) {
    return error instanceof Error ? (error.message.split('\n').findLast((line) => line !== '') ?? '') : '';
  }
}

const printed = (code: string): string =>
  run(python, '-c', code.replaceAll('http://localhost:3003', server.openaiUrl)).trim();

const SHAPE = `
from typing import Literal, Optional
from pydantic import BaseModel
class Shape(BaseModel):
    colour: Literal["red", "yellow"]
    count: Literal[1, 2, 3]
    size: Optional[Literal["big", "small"]]
`;
const OPENAI = `${SHAPE}
import openai
client = openai.OpenAI(base_url="http://localhost:3003/v1", api_key="unused", max_retries=0)
chat = {"model": "primary", "messages": [{"role": "user", "content": "What is it?"}]}
`;
const LANGCHAIN = `${SHAPE}
from langchain_openai import ChatOpenAI
model = ChatOpenAI(model="primary", base_url="http://localhost:3003/v1", api_key="unused", max_retries=0)
`;

type Program = readonly [name: string, code: string, prints: string];
const PROGRAMS: Readonly<Record<string, readonly Program[]>> = {
  'openai==3.22.1': [
    [
      'parses answers of a form, whole and streamed',
      `${OPENAI}
print(type(client.chat.completions.parse(**chat, response_format=Shape).choices[0].message.parsed).__name__)
with client.chat.completions.stream(**chat, response_format=Shape) as stream:
    for _ in stream: pass
    print(type(stream.get_final_completion().choices[0].message.parsed).__name__)
print(type(client.responses.parse(model="primary", input="What is it?", text_format=Shape).output_parsed).__name__)`,
      'Shape\nShape\nShape',
    ],
    [
      "parses calls of functions, and takes vLLM's fields in extra_body",
      `${OPENAI}
named = {"type": "function", "function": {"name": "report"}}
[call] = client.chat.completions.parse(**chat, tools=[openai.pydantic_function_tool(Shape, name="report")], tool_choice=named).choices[0].message.tool_calls
print(type(call.function.parsed_arguments).__name__)
print(client.chat.completions.create(**chat, extra_body={"guided_choice": ["yes"]}).choices[0].message.content)`,
      'Shape\nyes',
    ],
    [
      'raises errors with param and code',
      `${OPENAI}
try:
    client.chat.completions.create(**chat, extra_body={"guided_json": {"not": {}}})
except openai.BadRequestError as error:
    print(error.param, error.code)`,
      'guided_json request.constraint_unsupported',
    ],
  ],
  'langchain-openai==1.6.6': [
    [
      'gets objects by schema and by a call of a function',
      `${LANGCHAIN}
for method in ("json_schema", "function_calling"):
    print(type(model.with_structured_output(Shape, method=method).invoke("What is it?")).__name__)`,
      'Shape\nShape',
    ],
  ],
};

describe.skipIf(!isAsked).each(Object.entries(PROGRAMS))('%s', (pinned, programs) => {
  const example = examplesOf('docs/openai.md', 'python')[Object.keys(PROGRAMS).indexOf(pinned)];
  let why: string | null = null;
  beforeAll(() => {
    why = whyMissing(pinned);
  }, INSTALL_TIMEOUT_MS);

  beforeEach((context) => {
    context.skip(why !== null, `pip cannot install ${pinned}: ${why ?? ''}`);
  });

  it.each<Program>([['runs its example of docs/openai.md', example ?? '', DESCRIPTION], ...programs])(
    '%s',
    (_, code, prints) => {
      expect(printed(code)).toBe(prints);
    },
  );
});
