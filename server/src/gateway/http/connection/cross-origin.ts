// Tells browsers which pages of other origins may call this server and read its answers (CORS). Credentials are never allowed,
// with or without a wildcard: the server knows no cookies, and a proxy's must not be usable from somebody else's page.
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** What pages may ask for, said in answer to a browser's preflight. */
const PREFLIGHT_HEADERS = {
  'access-control-allow-methods': 'GET, POST',
  // Browsers cap it themselves; a changed setting should be seen within minutes.
  'access-control-max-age': '600',
} as const;

const ALLOWED_HEADERS = ['authorization', 'content-encoding', 'content-type'];
/** What OpenAI's and Anthropic's libraries and those above them add to their requests, in browsers too. The server reads the key alone. */
const LIBRARY_HEADER =
  /^(?:x-stainless-[a-z-]+|user-agent|openai-(?:organization|project|beta)|idempotency-key|x-api-key|anthropic-(?:version|beta|dangerous-direct-browser-access))$/u;

const EXPOSED_HEADERS = 'request-id, retry-after, server-timing, x-request-id';

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
      const allowed = allowedHeaders(request.headers['access-control-request-headers']);
      reply
        .code(204)
        .headers({ ...PREFLIGHT_HEADERS, 'access-control-allow-headers': allowed })
        .send();
      return;
    }
    reply.header('access-control-expose-headers', EXPOSED_HEADERS);
    done();
  });
}

/** The headers that every page may send, and those of libraries that this one asks for. */
function allowedHeaders(asked: string | undefined): string {
  const names = (asked ?? '').split(',').map((name) => name.trim().toLowerCase());
  return [...ALLOWED_HEADERS, ...names.filter((name) => LIBRARY_HEADER.test(name))].join(', ');
}

const isPreflight = ({ method, headers }: FastifyRequest): boolean =>
  method === 'OPTIONS' && headers['access-control-request-method'] !== undefined;
