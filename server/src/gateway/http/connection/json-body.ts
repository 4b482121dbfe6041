// Reads JSON bodies under our own limit and with our own words, in place of the framework's parser.
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { InputError } from '../../../errors.js';
import type { BodyBudget } from './body-budget.js';
import { collectBody } from './body-limit.js';

/** application/json and the +json family, in any letter case and with any parameters. */
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/iu;

export function addJsonParser(app: FastifyInstance, limitBytes: number, budget: BodyBudget): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_TYPE, async (_request: unknown, payload: Readable) => {
    using claim = budget.open();
    return parseJson(await collectBody(payload, limitBytes, claim));
  });
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new InputError(
      'request.invalid_json',
      `The request body is not JSON in UTF-8${cause instanceof SyntaxError ? `: ${cause.message}` : ''}.`,
      { cause },
    );
  }
}
