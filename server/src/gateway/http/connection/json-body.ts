// Reads JSON bodies under our own limit and with our own words, in place of the framework's parser.
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { InputError } from '../../../errors.js';
import { parseJson } from './parse-json.js';
import type { BodyReader } from './read-body.js';

/** application/json and the +json family, in any letter case and with any parameters. */
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/iu;

export function addJsonParser(app: FastifyInstance, readBody: BodyReader): void {
  app.addContentTypeParser(JSON_TYPE, async (request: FastifyRequest, payload: Readable) =>
    readBody(request, payload, (bytes) =>
      parseJson(bytes, { code: 'request.invalid_json', subject: 'The request body' }),
    ),
  );
}

/** @throws InputError request.unsupported_media_type when the request has no JSON body */
export function jsonBodyOf({ body }: FastifyRequest): unknown {
  if (body !== undefined) return body;
  throw new InputError(
    'request.unsupported_media_type',
    'This endpoint takes a JSON body with Content-Type: application/json.',
  );
}
