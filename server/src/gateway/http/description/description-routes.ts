// GET /openapi.json, the description of the port that answers it, and GET /docs, the same for people. Both say nothing that depends on
// who asks, and answer without the API key. They are made when they are first asked for, out of all routes that the port has by then.
import type { FastifyInstance } from 'fastify';
import { pageFile } from '../page/page-files.js';
import { sendFile } from '../page/send-file.js';
import type { DescribedRoute } from './described-routes.js';
import { DOCS, DOCS_STYLE, OPENAPI } from './description-operations.js';
import { DOCS_CSS } from './docs-css.js';
import { docsPage } from './docs-page.js';
import { openApiDocument, type PortFacts } from './document.js';
import type { Operation } from './operation.js';

export const DESCRIPTION_PATHS = ['/openapi.json', '/docs', '/docs.css'] as const;

/** The page has no script, and of its own server it loads its style only. */
const DOCS_POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': DOCS_POLICY,
  'referrer-policy': 'no-referrer',
};

export function addDescription(
  app: FastifyInstance,
  routes: readonly DescribedRoute[],
  facts: PortFacts,
): void {
  const document = once(() => openApiDocument(routes, facts));
  const serve = (path: DescriptionPath, operation: Operation, text: () => string): void => {
    const file = once(() => pageFile(FILE_NAMES[path], Buffer.from(text())));
    app.get(path, { config: { operation } }, (request, reply) =>
      sendFile(file(), request, reply.headers(HEADERS)),
    );
  };
  serve('/openapi.json', OPENAPI, () => JSON.stringify(document()));
  serve('/docs', DOCS, () => docsPage(document()));
  serve('/docs.css', DOCS_STYLE, () => DOCS_CSS);
}

type DescriptionPath = (typeof DESCRIPTION_PATHS)[number];
const FILE_NAMES: Readonly<Record<DescriptionPath, string>> = {
  '/openapi.json': 'openapi.json',
  '/docs': 'docs.html',
  '/docs.css': 'docs.css',
};

function once<Made>(make: () => Made): () => Made {
  let made: { readonly value: Made } | undefined;
  return () => (made ??= { value: make() }).value;
}
