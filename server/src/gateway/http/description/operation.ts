// What a route is, told beside its handler: document.ts makes the description of a whole port of it. Schemas are those that requests
// are parsed by and that answers have their types from.
import type { ErrorCode } from 'takeoff-wire';
import type { z } from 'zod';
import type { ErrorBodyWriter } from '../connection/public-error.js';

export interface Operation {
  /** What it belongs to, for readers. */
  readonly tag: string;
  readonly summary: string;
  /** Sentences that the summary leaves out. */
  readonly description?: string;
  /** The address in the document, where the pattern of the route is no template of OpenAPI. */
  readonly documentedPath?: string;
  readonly parameters?: readonly Parameter[];
  readonly body?: RequestBody;
  /** Answers that are no errors; examples show the first. */
  readonly answers: readonly [Answer, ...Answer[]];
  /** Beside those of every request and of bodies of its kind. */
  readonly errors: readonly ErrorCode[];
  /** Where it is not that of the whole port. */
  readonly errorForm?: ErrorForm;
  readonly examples?: readonly Example[];
}

export interface Parameter {
  readonly name: string;
  readonly place: 'path' | 'query';
  readonly description: string;
  readonly schema: z.ZodType;
}

export interface RequestBody {
  readonly json?: z.ZodType;
  /** What the part `json_data` of a form holds, whose other part is `image_data`. */
  readonly form?: z.ZodType;
  /** Whether a request without a body is complete. */
  readonly isOptional?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly description: string;
  /** Names of headers that it always has, and what they say. */
  readonly headers?: Readonly<Record<string, string>>;
  /** By content type; none where the answer has no body. */
  readonly content?: readonly AnswerContent[];
}

/** An answer that is JSON, and no other. */
export const answeredWith = (schema: z.ZodType, description: string, status = 200): Operation['answers'] => [
  { status, description, content: [{ kind: 'json', schema }] },
];

export type AnswerContent =
  | { readonly kind: 'json'; readonly schema: z.ZodType }
  | { readonly kind: 'events'; readonly events: EventStream }
  /** A stream of JSON values, each on a line. */
  | { readonly kind: 'lines'; readonly line: z.ZodType }
  | { readonly kind: 'text'; readonly contentType: string };

/** What the data of an event can be, by the event's name; `message` where the stream names none. */
export type EventStream = Readonly<Record<string, readonly EventData[]>>;

export type EventData =
  | { readonly kind: 'json'; readonly schema: z.ZodType }
  /** Exactly this text where it is given; any otherwise. */
  | { readonly kind: 'text'; readonly description: string; readonly exactly?: string };

/** The JSON body of errors. */
export interface ErrorForm {
  readonly schema: z.ZodType;
  readonly write: ErrorBodyWriter;
  /** What the body calls a code. */
  readonly shownCode: (code: ErrorCode) => string;
}

/** A request to the demo model and its answer. A test sends every one of them. */
export interface Example {
  readonly name: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** The JSON body, or the part `json_data` of the form. */
  readonly body?: unknown;
  /** A file of models/demo/images, the part `image_data`. */
  readonly image?: string;
  /** 200 unless it is given. */
  readonly status?: number;
  /** The JSON of the answer, or its text where it is none. */
  readonly answer?: unknown;
}
