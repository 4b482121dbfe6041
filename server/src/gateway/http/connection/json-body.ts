// Reads JSON bodies under our own limit and with our own words, in place of the framework's parser.
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { InputError } from '../../../errors.js';
import { parseJson } from './parse-json.js';
import type { BodyReader } from './read-body.js';

/** application/json and the +json family, in any letter case and with any parameters. */
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/iu;

export function addJsonParser(app: FastifyInstance, readBody: BodyReader): void {
  app.addContentTypeParser(JSON_TYPE, (request: FastifyRequest, payload: Readable) =>
    readJson(request, payload, readBody),
  );
}

/**
 * Takes bodies of every other type for JSON, too, where an API is known for that. Not from pages: a browser asks this server before it
 * sends JSON to another origin, and does not before it sends what a form can.
 */
export function addUntypedJsonParser(app: FastifyInstance, readBody: BodyReader): void {
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    if (request.headers.origin !== undefined) throw noJson();
    return readJson(request, payload, readBody);
  });
}

const readJson = (request: FastifyRequest, payload: Readable, readBody: BodyReader): Promise<unknown> =>
  readBody(request, payload, (bytes) =>
    parseJson(bytes, { code: 'request.invalid_json', subject: 'The request body' }),
  );

/** @throws InputError request.unsupported_media_type when the request has no JSON body */
export function jsonBodyOf({ body }: FastifyRequest): unknown {
  if (body !== undefined) return body;
  throw noJson();
}

const noJson = (): InputError =>
  new InputError(
    'request.unsupported_media_type',
    'This endpoint takes a JSON body with Content-Type: application/json.',
  );
