// The optional API key: asked of every request on every port, unknown addresses included, before anything else of it is looked at.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AuthError } from '../../../errors.js';

/** `openPaths`: routes that answer without a key. */
export function addApiKeyCheck(app: FastifyInstance, apiKey: string, openPaths: readonly string[]): void {
  const wanted = digest(apiKey);
  app.addHook('onRequest', (request, reply, done) => {
    const { url } = request.routeOptions;
    if (url !== undefined && openPaths.includes(url)) {
      done();
      return;
    }
    const given = keysOf(request);
    // Digests have one length, so that the comparison takes the same time for every key.
    if (!given.some((key) => timingSafeEqual(digest(key), wanted))) {
      void reply.header('www-authenticate', 'Bearer');
      throw notAllowed(given.length > 0);
    }
    done();
  });
}

/** As `Authorization: Bearer KEY`, and as Anthropic's clients send it, which may have another key for the first. */
function keysOf({ headers }: FastifyRequest): readonly string[] {
  const bearer = /^Bearer +(\S+) *$/iu.exec(headers.authorization ?? '')?.[1];
  return [bearer, headers['x-api-key']].filter((key) => typeof key === 'string');
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

const notAllowed = (isGiven: boolean): AuthError =>
  new AuthError(
    'auth.required',
    `${isGiven ? 'The API key is wrong' : 'This server asks for an API key'}: send it as Authorization: Bearer KEY, or as x-api-key. The operator sets it with api_key.`,
  );
