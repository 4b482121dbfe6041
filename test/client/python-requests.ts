// The requests of the official Python client, byte for byte as its HTTP libraries write them: the newest generation on httpx,
// the older one on requests. Both send every unset field as null; types and file names of their multipart parts differ.

export interface PythonRequest {
  readonly path: string;
  /** One element for each write of the library. */
  readonly pieces: readonly (string | Buffer)[];
}

interface Generation {
  readonly headers: readonly string[];
  /** Fields that this generation sends besides `text`, all null unless set. */
  readonly fields: readonly string[];
  /** Headers that its event stream reader adds. */
  readonly streamHeaders: readonly string[];
  /** What its library adds to a DELETE. */
  readonly bodilessDelete: readonly string[];
  readonly imagePart: string;
  readonly jsonPart: string;
  /** Whether it writes the part with the JSON before that with the image. */
  readonly isJsonFirst: boolean;
}

const FIELDS = [
  'sampling_temperature',
  'sampling_topp',
  'sampling_topk',
  'repetition_penalty',
  'no_repeat_ngram_size',
  'max_new_tokens',
  'min_new_tokens',
  'regex_string',
  'json_schema',
  'prompt_max_tokens',
];

export const GENERATIONS = {
  newest: {
    headers: [
      'Accept: */*',
      'Accept-Encoding: gzip, deflate',
      'Connection: keep-alive',
      'User-Agent: python-httpx/0.27.2',
    ],
    fields: [...FIELDS, 'lora_id', 'constrained_decoding_backend', 'return_metadata'],
    streamHeaders: ['Accept: text/event-stream', 'Cache-Control: no-store'],
    bodilessDelete: [],
    imagePart: 'name="image_data"; filename="two-shapes.jpg"\r\nContent-Type: image/*',
    jsonPart: 'name="json_data"\r\nContent-Type: application/json',
    isJsonFirst: false,
  },
  older: {
    headers: [
      'User-Agent: python-requests/2.31.0',
      'Accept-Encoding: gzip, deflate',
      'Accept: */*',
      'Connection: keep-alive',
    ],
    fields: FIELDS,
    streamHeaders: [],
    bodilessDelete: ['Content-Length: 0'],
    imagePart: 'name="image_data"',
    jsonPart: 'name="json_data"',
    isJsonFirst: true,
  },
} as const satisfies Record<string, Generation>;

export type GenerationName = keyof typeof GENERATIONS;

const BOUNDARY = '1f6a7d0c5f3e4b8e9a2b6c7d8e9f0a1b';

/** `given` are the arguments that the caller set. */
export function pythonRequest(
  name: GenerationName,
  path: string,
  given: Readonly<Record<string, unknown>>,
  image?: Buffer,
): PythonRequest {
  const generation: Generation = GENERATIONS[name];
  const unset = Object.fromEntries(generation.fields.map((field) => [field, null]));
  const json = pythonJson({ text: '', ...unset, consumer_group: 'primary', ...given });
  if (image === undefined)
    return { path, pieces: [head(generation, path, 'application/json', [json]), json] };
  const imagePart = [part(generation.imagePart), image, '\r\n'];
  const jsonPart = [part(generation.jsonPart), json, '\r\n'];
  const parts = generation.isJsonFirst ? [...jsonPart, ...imagePart] : [...imagePart, ...jsonPart];
  const body = [...parts, `--${BOUNDARY}--\r\n`];
  return {
    path,
    pieces: [head(generation, path, `multipart/form-data; boundary=${BOUNDARY}`, body), ...body],
  };
}

/** A call without an image, of the methods about tokens and readers. */
export function pythonCall(
  name: GenerationName,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: Readonly<Record<string, unknown>>,
): PythonRequest {
  const { headers, bodilessDelete }: Generation = GENERATIONS[name];
  const json = body === undefined ? '' : pythonJson(body);
  const about =
    body === undefined
      ? method === 'DELETE'
        ? bodilessDelete
        : []
      : [`Content-Length: ${Buffer.byteLength(json)}`, 'Content-Type: application/json'];
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: localhost:3001', ...headers, ...about, '\r\n'];
  return { path, pieces: body === undefined ? [lines.join('\r\n')] : [lines.join('\r\n'), json] };
}

const part = (description: string): string =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${description}\r\n\r\n`;

function head(
  { headers, streamHeaders }: Generation,
  path: string,
  contentType: string,
  body: readonly (string | Buffer)[],
): string {
  const contentLength = body.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  const own = path.endsWith('_stream') ? streamHeaders : [];
  const replaced = own.map((line) => line.split(':')[0]);
  return [
    `POST ${path} HTTP/1.1`,
    'Host: localhost:3000',
    ...headers.filter((line) => !replaced.includes(line.split(':')[0])),
    ...own,
    `Content-Length: ${contentLength}`,
    `Content-Type: ${contentType}`,
    '\r\n',
  ].join('\r\n');
}

/** JSON as Python's json.dumps writes it: a space behind commas and colons, everything that is not ASCII escaped. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, one]) => `${pythonJson(key)}: ${pythonJson(one)}`)
      .join(', ')}}`;
  return JSON.stringify(value).replaceAll(
    /[\u007f-\uffff]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
