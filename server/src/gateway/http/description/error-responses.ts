// The answers that are errors, of one operation: for each status the codes that can come with it, and the form of their body.
import { ERROR_CODES, type ErrorCode } from 'takeoff-wire';
import type { ErrorForm, Operation } from './operation.js';
import type { HeaderObject, ResponseObject } from './openapi.js';
import type { SchemaWriter } from './schema-writer.js';

/** What can be wrong with any request at all. */
const OF_EVERY_REQUEST: readonly ErrorCode[] = [
  'request.malformed',
  'request.timeout',
  'request.body_too_large',
  'request.headers_too_large',
  'server.internal',
];
const OF_BODIES: readonly ErrorCode[] = [
  'request.unsupported_media_type',
  'request.encoding_unsupported',
  'request.encoding_broken',
  'server.uploads_busy',
];
const OF_FORMS: readonly ErrorCode[] = [
  'request.multipart_broken',
  'request.too_many_parts',
  'request.too_many_images',
  'request.part_missing',
  'request.json_data_invalid',
];

export interface RouteFacts {
  readonly method: string;
  /** The address in the document. */
  readonly path: string;
  readonly operation: Operation;
  /** Whether it answers without the API key. */
  readonly isOpen: boolean;
}

function codesOf({ method, path, operation, isOpen }: RouteFacts): ReadonlySet<ErrorCode> {
  const { body, errors } = operation;
  return new Set<ErrorCode>([
    ...OF_EVERY_REQUEST,
    ...(isOpen ? [] : (['auth.required'] as const)),
    ...(method === 'POST' ? (['server.draining'] as const) : []),
    // A parameter that is empty, or longer than the router takes, leads to no route.
    ...(path.includes('{') ? (['request.not_found'] as const) : []),
    ...(body === undefined ? [] : OF_BODIES),
    ...(body?.json === undefined ? [] : (['request.invalid_json'] as const)),
    ...(body?.form === undefined ? [] : OF_FORMS),
    ...errors,
  ]);
}

/** By status. */
export function errorResponses(
  facts: RouteFacts,
  form: ErrorForm,
  writer: SchemaWriter,
): Record<string, ResponseObject> {
  const codes = [...codesOf(facts)];
  const statuses = new Set(codes.map((code) => ERROR_CODES[code].status).toSorted((a, b) => a - b));
  const schema = writer.write(form.schema);
  return Object.fromEntries(
    [...statuses].map((status) => {
      const told = codes.filter((code) => ERROR_CODES[code].status === status);
      const shown = told.map(form.shownCode);
      const response: ResponseObject = {
        description: told
          .map((code, index) => `\`${shown[index] ?? code}\`: ${ERROR_CODES[code].sentence}`)
          .join('\n\n'),
        headers: { ...REQUEST_ID, ...HEADERS[status] },
        content: {
          'application/json': {
            schema: { ...schema, properties: { error: { properties: { code: { enum: shown } } } } },
          },
        },
      };
      return [String(status), response];
    }),
  );
}

export const header = (description: string, isRequired = false): HeaderObject => ({
  description,
  ...(isRequired ? { required: true } : {}),
  schema: { type: 'string' },
});

/** What Node's parser refuses has none. */
export const REQUEST_ID = {
  'X-Request-Id': header("The id under which the server's log has the request."),
} as const;

const HEADERS: Readonly<Record<number, Readonly<Record<string, HeaderObject>>>> = {
  401: { 'WWW-Authenticate': header('Bearer', true) },
  415: { 'Accept-Encoding': header('The codings that are taken, where that of the request is not.') },
  503: { 'Retry-After': header('Seconds, where the same request may succeed later.') },
};
