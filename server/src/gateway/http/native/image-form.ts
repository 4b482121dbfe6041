// Takes the two parts of an image request out of its form. Parts count by their name only: any declared type, with or without a
// file name, in any order; what else a client sends is skipped. Nothing is written to disk and no file name is used.
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { InputError } from '../../../errors.js';
import { parseJson } from '../connection/parse-json.js';
import type { BodyReader } from '../connection/read-body.js';
import { parseMultipart, type FormPart } from './multipart.js';

export interface ImageForm {
  /** The parsed json_data, not yet validated. */
  readonly json: unknown;
  readonly imageBytes: Uint8Array;
}

const FORM_TYPE = /^multipart\/form-data\s*(?:;|$)/iu;

export const isForm = ({ headers }: Pick<FastifyRequest, 'headers'>): boolean =>
  FORM_TYPE.test(headers['content-type'] ?? '');

/** @throws InputError request.unsupported_media_type when the request has no form */
export function formOf(body: ImageForm | undefined): ImageForm {
  if (body !== undefined) return body;
  throw new InputError(
    'request.unsupported_media_type',
    'This endpoint takes multipart/form-data with the parts json_data and image_data.',
  );
}

/** Requests have the form as their body. */
export function addFormParser(app: FastifyInstance, readBody: BodyReader): void {
  app.addContentTypeParser(FORM_TYPE, async (request: FastifyRequest, payload: Readable) =>
    readBody(request, payload, (bytes) => parseImageForm(bytes, request.headers['content-type'] ?? '')),
  );
}

/** @throws InputError with the code of what is wrong with the form */
export function parseImageForm(body: Buffer, contentType: string): ImageForm {
  const parts = parseMultipart(body, contentType);
  const json = partOf(parts, 'json_data');
  const image = partOf(parts, 'image_data');
  if (json === undefined) throw missing('json_data', 'a JSON object such as {"text": "…"}', parts);
  if (image === undefined) throw missing('image_data', 'the bytes of one image', parts);
  return {
    json: parseJson(json, { code: 'request.json_data_invalid', subject: 'The part json_data' }),
    imageBytes: image,
  };
}

type PartName = 'json_data' | 'image_data';

function partOf(parts: readonly FormPart[], name: PartName): Buffer | undefined {
  const [part, second] = parts.filter((known) => known.name === name);
  if (second !== undefined) throw duplicate(name);
  return part?.content;
}

function duplicate(name: PartName): InputError {
  if (name === 'image_data') {
    return new InputError(
      'request.too_many_images',
      'The part image_data occurs more than once; only one image can be supplied with a request.',
    );
  }
  return new InputError(
    'request.too_many_parts',
    'The part json_data occurs more than once; allowed is one.',
  );
}

const missing = (name: PartName, what: string, parts: readonly FormPart[]): InputError =>
  new InputError('request.part_missing', `The part ${name} is missing: ${what}. ${partsThatCame(parts)}.`);

/** Names are the client's, so that only so much of them is repeated. */
const MAX_SHOWN_NAMES = 8;
const MAX_SHOWN_CHARACTERS = 40;

function partsThatCame(parts: readonly FormPart[]): string {
  if (parts.length === 0) return 'The body has no parts';
  const shown = parts
    .slice(0, MAX_SHOWN_NAMES)
    .map(({ name }) =>
      name === null ? 'one without a name' : JSON.stringify(name.slice(0, MAX_SHOWN_CHARACTERS)),
    );
  const more = parts.length - shown.length;
  return `Parts that came: ${shown.join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}
