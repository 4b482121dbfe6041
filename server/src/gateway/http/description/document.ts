// The OpenAPI document of one port, made of its routes and of what they say of themselves. Pure.
import type { DescribedRoute } from './described-routes.js';
import { errorResponses, header, REQUEST_ID, type RouteFacts } from './error-responses.js';
import type {
  Content,
  JsonSchema,
  MediaType,
  OpenApiDocument,
  OperationObject,
  ParameterObject,
  ResponseObject,
} from './openapi.js';
import type { Answer, AnswerContent, ErrorForm, EventData, Example, Operation } from './operation.js';
import { SchemaWriter } from './schema-writer.js';

export interface PortFacts {
  readonly title: string;
  readonly description: string;
  /** Of the program. */
  readonly version: string;
  /** Of the routes that bring none of their own. */
  readonly errorForm: ErrorForm;
  /** Whether requests need an API key. */
  readonly asksForKey: boolean;
  /** Routes that answer without it. */
  readonly openPaths: readonly string[];
}

const KEY = 'apiKey';
const KEY_HEADER = 'apiKeyHeader';

export function openApiDocument(routes: readonly DescribedRoute[], facts: PortFacts): OpenApiDocument {
  const writer = new SchemaWriter();
  const paths: Record<string, Record<string, OperationObject>> = {};
  for (const { method, url, operation } of routes) {
    const path = operation.documentedPath ?? url.replaceAll(/:(\w+)/gu, '{$1}');
    const route = { method, path, operation, isOpen: facts.openPaths.includes(url) };
    (paths[path] ??= {})[method.toLowerCase()] = operationObject(route, facts, writer);
  }
  return {
    openapi: '3.1.1',
    info: { title: facts.title, version: facts.version, description: facts.description },
    // Where this document was read from, so that a proxy may put the port below any path.
    servers: [{ url: '.', description: 'Where this document comes from.' }],
    security: facts.asksForKey ? [{ [KEY]: [] }, { [KEY_HEADER]: [] }] : [],
    tags: [...new Set(routes.map(({ operation }) => operation.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: writer.components,
      securitySchemes: {
        [KEY]: { type: 'http', scheme: 'bearer', description: 'api_key of the server.' },
        [KEY_HEADER]: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same.' },
      },
    },
  };
}

function operationObject(route: RouteFacts, facts: PortFacts, writer: SchemaWriter): OperationObject {
  const { method, path, operation, isOpen } = route;
  const { tag, summary, description, answers, errorForm = facts.errorForm } = operation;
  const parameters = (operation.parameters ?? []).map((parameter): ParameterObject => {
    const { name, place, description: meaning, schema } = parameter;
    return {
      name,
      in: place,
      required: place === 'path',
      description: meaning,
      schema: writer.write(schema),
    };
  });
  return {
    operationId: operationId(method, path),
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(facts.asksForKey && isOpen ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...requestBody(operation, writer),
    responses: {
      ...Object.fromEntries(
        answers.map((answer) => [String(answer.status), response(answer, operation, writer)]),
      ),
      ...withExamples(errorResponses(route, errorForm, writer), operation),
    },
  };
}

/** `post /v1/chat/completions` is `postV1ChatCompletions`. */
const operationId = (method: string, path: string): string =>
  [method.toLowerCase(), ...path.split(/[^a-zA-Z0-9]+/u).filter((word) => word !== '')]
    .map((word, index) => (index === 0 ? word : `${word.charAt(0).toUpperCase()}${word.slice(1)}`))
    .join('');

function requestBody(
  { body, examples = [] }: Operation,
  writer: SchemaWriter,
): Pick<OperationObject, 'requestBody'> {
  if (body === undefined) return {};
  // What is refused is no example of what the request should be.
  const answered = examples.filter(({ status }) => status === undefined);
  const json = answered.filter(({ image }) => image === undefined);
  const forms = answered.filter(({ image }) => image !== undefined);
  const content: Content = {
    ...(body.json === undefined
      ? {}
      : {
          'application/json': {
            schema: writer.write(body.json),
            ...examplesOf(json, ({ body: sent }) => sent),
          },
        }),
    ...(body.form === undefined ? {} : { 'multipart/form-data': formMedia(writer.write(body.form), forms) }),
  };
  return { requestBody: { required: body.isOptional !== true, content } };
}

const formMedia = (json: JsonSchema, examples: readonly Example[]): MediaType => ({
  schema: {
    type: 'object',
    properties: {
      json_data: json,
      image_data: { description: 'The bytes of one image: JPEG, PNG, WebP, GIF or BMP.' },
    },
    required: ['json_data', 'image_data'],
  },
  encoding: { json_data: { contentType: 'application/json' }, image_data: { contentType: 'image/*' } },
  ...examplesOf(examples, ({ body, image }) => ({
    json_data: body,
    image_data: `models/demo/images/${image}`,
  })),
});

function response(
  { status, description, headers = {}, content = [] }: Answer,
  { examples = [], answers }: Operation,
  writer: SchemaWriter,
): ResponseObject {
  const shown =
    status === answers[0].status ? examples.filter((example) => example.status === undefined) : [];
  const required = Object.entries(headers).map(([name, meaning]) => [name, header(meaning, true)] as const);
  return {
    description,
    headers: { ...REQUEST_ID, ...Object.fromEntries(required) },
    ...(content.length === 0
      ? {}
      : { content: Object.fromEntries(content.map((one) => mediaOf(one, shown, writer))) }),
  };
}

function mediaOf(
  content: AnswerContent,
  examples: readonly Example[],
  writer: SchemaWriter,
): readonly [string, MediaType] {
  const texts = examples.filter(({ answer }) => typeof answer === 'string');
  switch (content.kind) {
    case 'json': {
      const values = examples.filter(({ answer }) => typeof answer !== 'string');
      return ['application/json', { schema: writer.write(content.schema), ...answersOf(values) }];
    }
    case 'events': {
      const events = Object.entries(content.events).map(
        ([name, data]) => [name, { anyOf: data.map((one) => eventData(one, writer)) }] as const,
      );
      const schema = {
        type: 'string',
        description: 'Server-sent events; x-events tells what their data is.',
      };
      return ['text/event-stream', { schema, 'x-events': Object.fromEntries(events), ...answersOf(texts) }];
    }
    case 'lines': {
      const schema = { type: 'string', description: 'A JSON value on each line; x-line tells what it is.' };
      return ['application/x-ndjson', { schema, 'x-line': writer.write(content.line) }];
    }
    case 'text':
      return [content.contentType, { schema: { type: 'string' }, ...answersOf(texts) }];
  }
}

function eventData(data: EventData, writer: SchemaWriter): JsonSchema {
  if (data.kind === 'json')
    return {
      type: 'string',
      contentMediaType: 'application/json',
      contentSchema: writer.write(data.schema),
    };
  const { description, exactly } = data;
  return { type: 'string', description, ...(exactly === undefined ? {} : { const: exactly }) };
}

/** Examples of refusals stand with their status. */
function withExamples(
  responses: Readonly<Record<string, ResponseObject>>,
  { examples = [] }: Operation,
): Record<string, ResponseObject> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, given]) => {
      const shown = examples.filter((example) => String(example.status) === status);
      const json = given.content?.['application/json'];
      if (shown.length === 0 || json === undefined) return [status, given];
      return [status, { ...given, content: { 'application/json': { ...json, ...answersOf(shown) } } }];
    }),
  );
}

const answersOf = (examples: readonly Example[]) => examplesOf(examples, ({ answer }) => answer);

function examplesOf(
  examples: readonly Example[],
  valueOf: (example: Example) => unknown,
): Pick<MediaType, 'examples'> {
  const shown = examples.filter((example) => valueOf(example) !== undefined);
  if (shown.length === 0) return {};
  return { examples: Object.fromEntries(shown.map((one) => [one.name, { value: valueOf(one) }])) };
}
