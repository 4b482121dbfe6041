// The page: its document at `/`, a route for each of its files, and the status that it asks for. No address is made into a path. The
// document and its files are the same for everybody and answer without the API key; the status asks for it.
import type { FastifyInstance } from 'fastify';
import type { PageLimits } from 'takeoff-wire';
import type { ReadersView } from '../../readers/readers-view.js';
import { contentSecurityPolicy } from './content-security-policy.js';
import type { PageFiles } from './page-files.js';
import { PAGE, PAGE_FILE, PAGE_STATUS } from './page-operations.js';
import { pageStatus } from './page-status.js';
import { sendFile } from './send-file.js';

export interface PageOptions {
  readonly files: PageFiles;
  /** Where the page sends its requests; null: to where it comes from. */
  readonly apiAddress: string | null;
  readonly limits: PageLimits;
}

export interface PageDeps {
  readonly page: PageOptions | null;
  readonly readers: ReadersView;
  /** Of the program. */
  readonly version: string;
}

/** Addresses of the page that answer without the API key. */
export const openPagePaths = (page: PageOptions | null): readonly string[] =>
  page === null ? [] : ['/', ...page.files.assets.map(({ name }) => `/${name}`)];

/** A year, the longest that caches take: a changed file has another name. */
const KEPT = 'public, max-age=31536000, immutable';
/** Kept, but asked for each time whether it has changed: a new version is seen at the next visit. */
const ASKED_FOR = 'no-cache';

export function addPage(app: FastifyInstance, { page, readers, version }: PageDeps): void {
  if (page === null) return;
  const { files, apiAddress, limits } = page;
  const documentHeaders = {
    'content-security-policy': contentSecurityPolicy(apiAddress),
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'referrer-policy': 'no-referrer',
  };
  app.get('/', { config: { operation: PAGE } }, (request, reply) =>
    sendFile(files.html, request, reply.headers({ ...documentHeaders, 'cache-control': ASKED_FOR })),
  );
  for (const file of files.assets)
    app.get(`/${file.name}`, { config: { operation: PAGE_FILE } }, (request, reply) =>
      sendFile(
        file,
        request,
        // A worker runs under the policy of its own script.
        reply.headers({
          'content-security-policy': documentHeaders['content-security-policy'],
          'cache-control': KEPT,
        }),
      ),
    );
  app.get('/page/status', { config: { operation: PAGE_STATUS } }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send(pageStatus(readers, version, limits)),
  );
}
