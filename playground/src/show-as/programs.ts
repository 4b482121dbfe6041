// Programs that ask a question exactly as the page asked it, for curl, TypeScript and Python, in both APIs. They name the image's
// file, and take the API key from the environment. Pure.
import type { Question } from '../ask/turn.js';
import { curlFile, pythonText, pythonValue, scriptText, shellWord } from './literals.js';
import {
  nativeFields,
  openaiRequest,
  type Api,
  type JsonObject,
  type OpenaiRequest,
} from './request-fields.js';

export const LANGUAGES = ['curl', 'TypeScript', 'Python'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The server as programs address it. */
export interface Target {
  /** Without a slash at the end. */
  readonly address: string;
  readonly needsKey: boolean;
}

type Print = (question: Question, target: Target) => string;
type PrintOpenai = (question: Question, target: Target, request: OpenaiRequest) => string;

export function programFor(language: Language, api: Api, question: Question, target: Target): string {
  if (api === 'native') return NATIVE[language](question, target);
  const request = openaiRequest(question);
  if (request === null)
    return note(
      language,
      "OpenAI's API always puts images into the chat template. Switch the template on to ask this there.",
    );
  const missing = request.missing.map((field) =>
    note(language, `${field} has no counterpart in OpenAI's API.`),
  );
  return missing.join('') + OPENAI[language](question, target, request);
}

const note = (language: Language, text: string): string =>
  `${language === 'TypeScript' ? '//' : '#'} ${text}\n`;

const KEY_HEADER = `-H "authorization: Bearer $TAKEOFF_API_KEY"`;

const curlNative: Print = (question, { address, needsKey }) => {
  const json = JSON.stringify(nativeFields(question));
  const { image } = question;
  const body =
    image === null
      ? [`-H 'content-type: application/json'`, `-d ${shellWord(json)}`]
      : [
          `-F ${shellWord(`image_data=${curlFile(image.name)}`)}`,
          `--form-string ${shellWord(`json_data=${json}`)}`,
        ];
  const path = image === null ? 'generate_stream' : 'image_generate_stream';
  return commandOf(`curl -sN ${shellWord(`${address}/${path}`)}`, [
    ...(needsKey ? [KEY_HEADER] : []),
    ...body,
  ]);
};

const curlOpenai: PrintOpenai = (question, { address, needsKey }, { endpoint, known, extra }) => {
  const command = `curl -s ${shellWord(`${address}/v1/${endpoint}`)}`;
  const headers = [...(needsKey ? [KEY_HEADER] : []), `-H 'content-type: application/json'`];
  const json = JSON.stringify({ ...known, ...extra, ...asked(question, IMAGE_MARK) });
  if (question.image === null) return commandOf(command, [...headers, `-d ${shellWord(json)}`]);
  const [before = '', after = ''] = json.split(IMAGE_MARK);
  return (
    `{ printf %s ${shellWord(before)}\n  base64 < ${shellWord(pathOf(question.image.name))} | tr -d '\\n'\n  printf %s ${shellWord(after)}\n} | ` +
    commandOf(command, [...headers, '-d @-'])
  );
};

/** Stands in the JSON where the bytes of the image will be. Nothing that a person types looks like it. */
const IMAGE_MARK = 'base64-of-the-image-7f3c2a';

const commandOf = (command: string, parameters: readonly string[]): string =>
  `${[command, ...parameters].join(' \\\n  ')}\n`;

/** A name that begins with a dash would be an option. */
const pathOf = (name: string): string => (name.startsWith('-') ? `./${name}` : name);

/** The messages or the prompt of a request to OpenAI's API; `base64` is the image or what stands for it. */
const asked = ({ text, image, options }: Question, base64: string): JsonObject => {
  if (options.useChatTemplate !== true) return { prompt: text };
  if (image === null) return { messages: [{ role: 'user', content: text }] };
  const url = `data:${image.blob.type === '' ? 'image/png' : image.blob.type};base64,${base64}`;
  const content = [
    { type: 'text', text },
    { type: 'image_url', image_url: { url } },
  ];
  return { messages: [{ role: 'user', content }] };
};

const typescriptNative: Print = ({ text, options, image }, { address, needsKey }) => {
  const { port, protocol } = new URL(address);
  const standardPort = protocol === 'https:' ? 443 : 80;
  const client = [
    `baseUrl: ${scriptText(address)}`,
    ...(port === '' ? [`port: ${standardPort}`] : []),
    ...(needsKey ? ['apiKey: process.env.TAKEOFF_API_KEY'] : []),
  ];
  const fields = { ...(image === null ? {} : { image: pathOf(image.name) }), ...options };
  return `import { TakeoffClient } from 'takeoff-client';

const client = new TakeoffClient({ ${client.join(', ')} });
const stream = client.generateStream(${scriptText(text)}, ${scriptObject(fields)});
for await (const { text } of stream) process.stdout.write(text);
console.log();
`;
};

const scriptObject = (fields: JsonObject): string => {
  const lines = Object.entries(fields).map(
    ([name, value]) => `  ${name}: ${typeof value === 'string' ? scriptText(value) : JSON.stringify(value)},`,
  );
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n}`;
};

const typescriptOpenai: PrintOpenai = (question, { address, needsKey }, { endpoint, known, extra }) => {
  const { image } = question;
  const apiKey = needsKey ? 'process.env.TAKEOFF_API_KEY' : `'unused'`;
  const isChat = endpoint === 'chat/completions';
  const body = JSON.stringify({ ...known, ...extra, ...asked(question, IMAGE_MARK) }, null, 2);
  const [before = '', after = ''] = body.split(`${IMAGE_MARK}"`);
  const withImage = image === null ? body : `${before}" + base64${after}`;
  return `${image === null ? '' : `import { readFileSync } from 'node:fs';\n`}import OpenAI from 'openai';

const client = new OpenAI({ baseURL: ${scriptText(`${address}/v1`)}, apiKey: ${apiKey} });
${image === null ? '' : `const base64 = readFileSync(${scriptText(pathOf(image.name))}, 'base64');\n`}const request = ${withImage} as const;
const answer = await client.${endpoint.replace('/', '.')}.create(request);
console.log(${isChat ? 'answer.choices[0]?.message.content' : 'answer.choices[0]?.text'});
`;
};

const pythonNative: Print = (question, { address, needsKey }) => {
  const { image } = question;
  const headers = needsKey
    ? `    headers={"authorization": "Bearer " + os.environ["TAKEOFF_API_KEY"]},\n`
    : '';
  const fields = pythonValue(nativeFields(question));
  const path = image === null ? 'generate' : 'image_generate';
  const body =
    image === null
      ? `    json=fields,\n`
      : `    files={"image_data": open(${pythonText(pathOf(image.name))}, "rb"), "json_data": (None, json.dumps(fields))},\n`;
  return `${image === null ? '' : 'import json\n'}${needsKey ? 'import os\n' : ''}import requests

fields = ${fields}
answer = requests.post(
    ${pythonText(`${address}/${path}`)},
${headers}${body})
answer.raise_for_status()
print(answer.json()["text"])
`;
};

const pythonOpenai: PrintOpenai = (question, { address, needsKey }, { endpoint, known, extra }) => {
  const { image } = question;
  const apiKey = needsKey ? 'os.environ["TAKEOFF_API_KEY"]' : '"unused"';
  const isChat = endpoint === 'chat/completions';
  const parameters = Object.entries({ ...known, ...asked(question, IMAGE_MARK) }).map(
    ([name, value]) => `    ${name}=${pythonValue(value).replace(`${IMAGE_MARK}"`, '" + base64_image')},\n`,
  );
  const rest = Object.keys(extra).length === 0 ? '' : `    extra_body=${pythonValue(extra)},\n`;
  const file =
    image === null
      ? ''
      : `with open(${pythonText(pathOf(image.name))}, "rb") as file:\n    base64_image = base64.b64encode(file.read()).decode()\n`;
  return `${image === null ? '' : 'import base64\n'}${needsKey ? 'import os\n' : ''}from openai import OpenAI

client = OpenAI(base_url=${pythonText(`${address}/v1`)}, api_key=${apiKey})
${file}answer = client.${endpoint.replace('/', '.')}.create(
${parameters.join('')}${rest})
print(answer.choices[0].${isChat ? 'message.content' : 'text'})
`;
};

const NATIVE: Readonly<Record<Language, Print>> = {
  curl: curlNative,
  TypeScript: typescriptNative,
  Python: pythonNative,
};

const OPENAI: Readonly<Record<Language, PrintOpenai>> = {
  curl: curlOpenai,
  TypeScript: typescriptOpenai,
  Python: pythonOpenai,
};
