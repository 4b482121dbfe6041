// Random requests to an operation of a described API: what its document allows, the same damaged, and what no document talks of.
import { gzipSync } from 'node:zlib';
import type { JsonSchema } from 'takeoff-server/gateway/http/description/openapi.js';
import type { Random } from '../../harness/random.js';
import type { DescribedApi, DescribedOperation } from './described-api.js';
import { RandomValues } from './random-values.js';
import type { RawRequest } from './raw-request.js';

/** What the document says of a request: whether its body is one that the operation takes; null where it does not matter. */
export interface RandomRequest extends RawRequest {
  readonly isBodyValid: boolean | null;
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'] as const;
const PATH_VALUES = [
  'echo',
  'echo',
  'echo',
  'primary',
  'nobody',
  '%20',
  'a%2Fb',
  'a%00b',
  '%FF',
  '%E6%97%A5',
  '..',
  'x'.repeat(101),
  '__proto__',
] as const;
const QUERIES = ['', '', 'x=1', 'force=true&force=false', 'consumer_group=%FF', '%', '=', 'a[]=1'] as const;
const BROKEN_JSON = [
  '',
  '{',
  'nul',
  '{"text": "a"} x',
  '{"text": 1e999, "max_new_tokens": 1e999}',
  '\ufeff{"text": "a"}',
  '['.repeat(20_000),
  '{"text": "a", "text": "b"}',
  '"\\ud800"',
  '[]',
  'null',
  '0',
] as const;
const CONTENT_TYPES = [
  '',
  'text/plain',
  'application/json; charset=latin1',
  'application/problem+json',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'multipart/form-data; boundary=""',
  'multipart/form-data; boundary=b',
  '\u00e9',
] as const;
const BOUNDARY = 'random-boundary';

export class RandomRequests {
  readonly #random: Random;
  readonly #api: DescribedApi;
  readonly #values: RandomValues;
  readonly #images: readonly Buffer[];

  /** `images`: of which some requests upload one. */
  constructor(random: Random, api: DescribedApi, images: readonly Buffer[]) {
    this.#random = random;
    this.#api = api;
    this.#images = images;
    this.#values = new RandomValues(random, api.document.components.schemas);
  }

  next(operation: DescribedOperation): RandomRequest {
    const request = this.#body(operation);
    const path = this.#path(operation);
    switch (this.#random.below(20)) {
      case 0:
        return { ...request, path, method: this.#random.pick(METHODS), isBodyValid: null };
      case 1: {
        const headers = { ...request.headers, 'content-type': this.#random.pick(CONTENT_TYPES) };
        return { ...request, path, headers, isBodyValid: null };
      }
      case 2:
        return { ...request, path, ...this.#encoded(request) };
      default:
        return { ...request, path };
    }
  }

  #path({ path, parameters = [] }: DescribedOperation): string {
    const random = this.#random;
    const filled = path.replaceAll(/\{\w+\}/gu, () => random.pick(PATH_VALUES));
    const query = parameters
      .filter((parameter) => parameter.in === 'query' && random.below(2) === 0)
      .map(({ name, schema }) => `${name}=${encodeURIComponent(this.#queryValue(schema))}`);
    const odd = random.below(6) === 0 ? [random.pick(QUERIES)] : [];
    const all = [...query, ...odd].filter((one) => one !== '').join('&');
    return all === '' ? filled : `${filled}?${all}`;
  }

  /** A lone surrogate has no form in an address. */
  #queryValue(schema: JsonSchema): string {
    return String(this.#values.valid(schema)).replaceAll('\ud800', '');
  }

  #body({ method, requestBody }: DescribedOperation): Omit<RandomRequest, 'path'> {
    const nothing = { method, headers: {}, body: Buffer.alloc(0), isBodyValid: null };
    if (requestBody === undefined) return nothing;
    if (this.#random.below(15) === 0) return { ...nothing, isBodyValid: requestBody.required ? false : null };
    const [type, { schema }] = this.#random.pick(Object.entries(requestBody.content));
    if (type === 'multipart/form-data') return { method, ...this.#form(schema) };
    const { text, isValid } = this.#json(schema);
    return {
      method,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(text),
      isBodyValid: isValid,
    };
  }

  #json(schema: JsonSchema): { readonly text: string; readonly isValid: boolean | null } {
    const kind = this.#random.below(10);
    if (kind === 0) return { text: this.#random.pick(BROKEN_JSON), isValid: null };
    const valid = this.#values.valid(schema);
    const value = kind < 6 ? valid : this.#values.damaged(valid);
    // As the server reads it: JSON has one zero, and no surrogate is lost.
    const text = JSON.stringify(value);
    return { text, isValid: this.#api.isValidRequest(schema, JSON.parse(text)) };
  }

  #form({ properties }: JsonSchema): Omit<RandomRequest, 'path' | 'method'> {
    const random = this.#random;
    const { json_data: schema = {} } = (properties ?? {}) as Record<string, JsonSchema>;
    const { text, isValid } = this.#json(schema);
    const parts = [
      { name: 'json_data', content: Buffer.from(text) },
      { name: 'image_data', content: random.pick(this.#images) },
    ];
    const isWhole = random.below(6) > 0;
    const sent = isWhole ? parts : random.pick([[], parts.slice(0, 1), parts.slice(1), [...parts, ...parts]]);
    const whole = Buffer.concat([
      ...sent.flatMap(({ name, content }) => [
        Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
        content,
        Buffer.from('\r\n'),
      ]),
      Buffer.from(`--${BOUNDARY}--\r\n`),
    ]);
    const body = random.below(12) === 0 ? whole.subarray(0, random.below(whole.length)) : whole;
    return {
      headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
      body,
      isBodyValid: isWhole && body === whole ? isValid : null,
    };
  }

  #encoded({ headers, body }: Pick<RandomRequest, 'headers' | 'body'>): Partial<RandomRequest> {
    const encoding = this.#random.pick(['gzip', 'br', 'zstd', 'identity', 'gzip, gzip', 'nonsense']);
    const isGzip = encoding === 'gzip' && this.#random.below(2) === 0;
    return {
      headers: { ...headers, 'content-encoding': encoding },
      body: isGzip ? gzipSync(body) : body,
      isBodyValid: null,
    };
  }
}
