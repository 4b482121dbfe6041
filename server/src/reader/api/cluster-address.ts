// Where a cluster's endpoints are. An address without a path is that of a server, whose API is under /v1; any other is the API's own.

/** Without a slash at the end. */
export function apiBaseOf(url: string): URL {
  const base = new URL(url);
  base.pathname = base.pathname === '/' ? '/v1' : base.pathname.replace(/\/+$/u, '');
  return base;
}

/** @param path with a slash in front */
export function endpointOf(base: URL, path: string): URL {
  const endpoint = new URL(base);
  endpoint.pathname += path;
  return endpoint;
}

/** Of the server itself, outside its API. @param path with a slash in front */
export function siblingOf(base: URL, path: string): URL {
  const sibling = new URL(base);
  sibling.pathname = path;
  return sibling;
}
