// Tells browsers which pages of other origins may call this server and read its answers (CORS). Credentials are never allowed,
// with or without a wildcard: the server knows no cookies, and a proxy's must not be usable from somebody else's page.
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** What pages may ask for, said in answer to a browser's preflight. */
const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST',
  'access-control-allow-headers': 'authorization, content-encoding, content-type',
  // Browsers cap it themselves; a changed setting should be seen within minutes.
  'access-control-max-age': '600',
} as const;

const EXPOSED_HEADERS = 'retry-after, x-request-id';

/** `origins` are exact; `*` alone is every page. An empty list adds nothing. */
export function addCrossOriginAnswers(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  const isOpen = origins.includes('*');
  app.addHook('onRequest', (request, reply, done) => {
    // Caches must not give one page what was said to another.
    if (!isOpen) reply.header('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !(isOpen || origins.includes(origin))) {
      done();
      return;
    }
    reply.header('access-control-allow-origin', isOpen ? '*' : origin);
    if (isPreflight(request)) {
      // The answer is complete: no other hook and no handler is asked.
      reply.code(204).headers(PREFLIGHT_HEADERS).send();
      return;
    }
    reply.header('access-control-expose-headers', EXPOSED_HEADERS);
    done();
  });
}

const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
