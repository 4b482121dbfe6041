// A port as its OpenAPI document describes it: its operations, and what is wrong with an answer by the document.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type {
  JsonSchema,
  MediaType,
  OpenApiDocument,
  OperationObject,
} from 'takeoff-server/gateway/http/description/openapi.js';
import { SseDecoder } from 'takeoff-wire';
import type { RawAnswer } from './raw-request.js';

const DOCUMENT = 'document:';

export interface DescribedOperation extends OperationObject {
  readonly method: string;
  /** With names of parameters in braces. */
  readonly path: string;
}

export class DescribedApi {
  readonly url: string;
  readonly document: OpenApiDocument;
  readonly operations: readonly DescribedOperation[];
  /** Of requests, and of answers: nothing that is left out of the description may stand in those. */
  readonly #open = new Ajv2020({ strict: false, validateFormats: false });
  readonly #closed = new Ajv2020({ strict: false, validateFormats: false });
  readonly #compiled = new Map<Ajv2020, Map<string, ValidateFunction>>();

  static async read(url: string): Promise<DescribedApi> {
    const response = await fetch(`${url}/openapi.json`);
    return new DescribedApi(url, (await response.json()) as OpenApiDocument);
  }

  private constructor(url: string, document: OpenApiDocument) {
    this.url = url;
    this.document = document;
    this.operations = Object.entries(document.paths).flatMap(([path, byMethod]) =>
      Object.entries(byMethod).map(([method, operation]) => ({
        ...operation,
        path,
        method: method.toUpperCase(),
      })),
    );
    const { components } = document;
    this.#open.addSchema({ $id: DOCUMENT, components });
    this.#closed.addSchema({ $id: DOCUMENT, components: closed(components) });
  }

  isValidRequest(schema: JsonSchema, value: unknown): boolean {
    return this.#validator(this.#open, schema)(value);
  }

  /** What the document does not say of the answer, in words; empty where it says all of it. */
  faultsOf(operation: DescribedOperation, answer: RawAnswer): readonly string[] {
    const described = operation.responses[String(answer.status)];
    if (described === undefined) return [`status ${answer.status} is not described`];
    const missing = Object.entries(described.headers ?? {})
      .filter(([name, { required }]) => required === true && answer.headers[name.toLowerCase()] === undefined)
      .map(([name]) => `the header ${name} is missing`);
    const { content } = described;
    if (content === undefined) return answer.body === '' ? missing : [...missing, 'there is a body'];
    const given = (answer.headers['content-type'] ?? '').split(';')[0]!;
    const media = content[given] ?? content['*/*'];
    if (media === undefined) return [...missing, `the content type ${given} is not described`];
    return [...missing, ...this.#bodyFaults(media, given, answer.body)];
  }

  #bodyFaults(media: MediaType, type: string, body: string): readonly string[] {
    const { schema, 'x-events': events, 'x-line': line } = media;
    if (events !== undefined) return this.#streamFaults(events, body);
    if (line !== undefined) return this.#lineFaults(line, body);
    if (type !== 'application/json') return [];
    return this.#valueFaults(schema, JSON.parse(body));
  }

  #streamFaults(events: Readonly<Record<string, JsonSchema>>, body: string): readonly string[] {
    const decoder = new SseDecoder();
    const told = decoder.push(Buffer.from(body));
    if (decoder.hasUnfinishedEvent) return ['the stream ends within an event'];
    return told.flatMap(({ name, data }) => {
      const described = events[name];
      if (described === undefined) return [`the event ${name} is not described`];
      const forms = described['anyOf'] as readonly JsonSchema[];
      const faults = forms.map((form) => this.#dataFaults(form, data));
      return faults.some((one) => one.length === 0) ? [] : [`event ${name}: ${faults.flat().join(' or ')}`];
    });
  }

  #lineFaults(line: JsonSchema, body: string): readonly string[] {
    if (!body.endsWith('\n')) return ['the stream ends within a line'];
    return body
      .slice(0, -1)
      .split('\n')
      .flatMap((one) => this.#valueFaults(line, JSON.parse(one)));
  }

  #dataFaults({ const: exactly, contentSchema }: JsonSchema, data: string): readonly string[] {
    if (exactly !== undefined) return data === exactly ? [] : [`it is not ${JSON.stringify(exactly)}`];
    if (contentSchema === undefined) return [];
    try {
      return this.#valueFaults(contentSchema as JsonSchema, JSON.parse(data));
    } catch {
      return ['it is not JSON'];
    }
  }

  #valueFaults(schema: JsonSchema, value: unknown): readonly string[] {
    const validate = this.#validator(this.#closed, schema);
    if (validate(value)) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }

  #validator(ajv: Ajv2020, schema: JsonSchema): ValidateFunction {
    const text = JSON.stringify(ajv === this.#closed ? closed(schema) : schema);
    const known = this.#compiled.get(ajv) ?? new Map<string, ValidateFunction>();
    this.#compiled.set(ajv, known);
    const validate =
      known.get(text) ??
      ajv.compile(JSON.parse(text.replaceAll('"#/components', `"${DOCUMENT}#/components`)) as object);
    known.set(text, validate);
    return validate;
  }
}

/** The same without room for properties that it does not name. What stands beside a reference only adds to what that says. */
function closed(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(closed);
  if (typeof json !== 'object' || json === null || '$ref' in json) return json;
  const inner = Object.fromEntries(Object.entries(json).map(([key, value]) => [key, closed(value)]));
  const isOpen = 'properties' in json && 'type' in json && !('additionalProperties' in json);
  return isOpen ? { ...inner, additionalProperties: false } : inner;
}
