// A model hub for tests: the addresses of the real one on a port of this machine, and a content network on another, which large
// files are redirected to. What goes wrong is scripted: the first matching fault of the list is used up by a request.
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Defect } from '../../errors.js';

export interface FakeRepository {
  readonly id: string;
  readonly commit: string;
  /** Other revisions than main that mean the commit. */
  readonly revisions?: readonly string[];
  readonly files: Readonly<Record<string, Uint8Array | string>>;
  /** Only a request with this token is answered. */
  readonly token?: string;
}

/** What happens to one request for a path that ends with `path`. */
type Fault = { readonly path: string } & (
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is cut after this many bytes of the body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** The body stops after this many bytes, and the connection stays open. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  | { readonly kind: 'wrong-bytes' }
  | { readonly kind: 'ignore-range' }
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'answer'; readonly body: string }
);

interface Seen {
  readonly server: 'hub' | 'content';
  readonly path: string;
  readonly token: string | undefined;
  readonly range: string | undefined;
}

export interface FakeHub {
  readonly endpoint: string;
  /** Every request, in order; may be emptied. */
  readonly seen: Seen[];
  readonly faults: Fault[];
  /** Replaces a repository, or adds one. */
  put(repository: FakeRepository): void;
  /** Names of the files that were asked for, once each. */
  fetched(): string[];
  close(): Promise<void>;
}

/** Files from this size on lie in the content network, as large files of the hub do. */
const LARGE_BYTES = 1000;
const PAGE_FILES = 4;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export async function startFakeHub(...repositories: readonly FakeRepository[]): Promise<FakeHub> {
  const state = new HubState(repositories);
  const content = await listen((request, response) => state.serveContent(request, response));
  state.contentAddress = content.address;
  const hub = await listen((request, response) => state.serveHub(request, response));
  state.hubAddress = hub.address;
  return {
    endpoint: hub.address,
    seen: state.seen,
    faults: state.faults,
    put: (repository) => state.repositories.set(repository.id, repository),
    fetched: () => {
      const names = state.seen.flatMap(({ path }) => /\/resolve\/[^/]+\/([^/?]+)/.exec(path)?.[1] ?? []);
      return [...new Set(names)].sort();
    },
    close: async () => {
      await Promise.all([hub.close(), content.close()]);
    },
  };
}

class HubState {
  readonly repositories: Map<string, FakeRepository>;
  readonly seen: Seen[] = [];
  readonly faults: Fault[] = [];
  hubAddress = '';
  contentAddress = '';

  constructor(repositories: readonly FakeRepository[]) {
    this.repositories = new Map(repositories.map((repository) => [repository.id, repository]));
  }

  serveHub(request: IncomingMessage, response: ServerResponse): void {
    const url = this.#note('hub', request);
    const fault = this.#fault(url, ['status', 'redirect', 'answer']);
    if (fault !== undefined) {
      this.#fail(fault, response);
      return;
    }
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)/.exec(url.pathname);
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(url.pathname);
    const [, id = '', what = '', revision = ''] = api ?? [];
    const repository = this.repositories.get(file?.[1] ?? id);
    const isAllowed = repository?.token === undefined || tokenOf(request) === repository.token;
    if (repository === undefined) {
      end(response, tokenOf(request) === undefined ? 401 : 404, 'RepoNotFound');
      return;
    }
    if (!isAllowed) {
      end(response, tokenOf(request) === undefined ? 401 : 403, 'GatedRepo');
      return;
    }
    const asked = decodeURIComponent(file?.[2] ?? revision);
    if (!['main', repository.commit, ...(repository.revisions ?? [])].includes(asked)) {
      end(response, 404, 'RevisionNotFound');
      return;
    }
    if (file !== null) this.#resolve(repository, decodeURIComponent(file[3] ?? ''), request, response);
    else if (what === 'revision')
      json(response, { _id: '1', id, sha: repository.commit, lastModified: '2024-01-01' });
    else this.#tree(repository, url, response);
  }

  serveContent(request: IncomingMessage, response: ServerResponse): void {
    const url = this.#note('content', request);
    const fault = this.#fault(url, ['status']);
    if (fault !== undefined) {
      this.#fail(fault, response);
      return;
    }
    const [, hash = '', name = ''] = url.pathname.split('/');
    for (const { files } of this.repositories.values()) {
      const bytes = bytesOf(files[name] ?? '');
      if (sha256(bytes) === hash) {
        this.#send(url, bytes, request, response);
        return;
      }
    }
    end(response, 404, null);
  }

  #resolve(
    repository: FakeRepository,
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const file = repository.files[name];
    if (file === undefined) {
      end(response, 404, 'EntryNotFound');
      return;
    }
    const bytes = bytesOf(file);
    const url = new URL(request.url ?? '', this.hubAddress);
    if (bytes.length < LARGE_BYTES) {
      this.#send(url, bytes, request, response);
      return;
    }
    response.writeHead(302, {
      location: `${this.contentAddress}/${sha256(bytes)}/${name}?signature=secret`,
      'x-linked-etag': `"${sha256(bytes)}"`,
      'x-linked-size': String(bytes.length),
    });
    response.end();
  }

  /** In pages, so that whoever reads the first only is found out. */
  #tree(repository: FakeRepository, url: URL, response: ServerResponse): void {
    const entries = Object.entries(repository.files).map(([path, file]) => entryOf(path, bytesOf(file)));
    const first = Number(url.searchParams.get('cursor') ?? 0);
    const next = first + PAGE_FILES;
    if (next < entries.length) {
      const more = new URL(url);
      more.searchParams.set('cursor', String(next));
      response.setHeader('link', `<${more.href}>; rel="next"`);
    }
    json(response, [{ type: 'directory', path: 'onnx', oid: 'x', size: 0 }, ...entries.slice(first, next)]);
  }

  #send(url: URL, whole: Uint8Array, request: IncomingMessage, response: ServerResponse): void {
    const fault = this.#fault(url, ['cut', 'stall', 'wrong-bytes', 'ignore-range']);
    const bytes = fault?.kind === 'wrong-bytes' ? whole.map((byte) => byte ^ 1) : whole;
    const first =
      fault?.kind === 'ignore-range'
        ? 0
        : Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (first >= bytes.length && first > 0) {
      end(response, 416, null);
      return;
    }
    const part = bytes.subarray(first);
    response.writeHead(first === 0 ? 200 : 206, {
      'content-length': part.length,
      ...(first === 0 ? {} : { 'content-range': `bytes ${first}-${bytes.length - 1}/${bytes.length}` }),
    });
    if (fault?.kind === 'cut') response.write(part.subarray(0, fault.afterBytes), () => response.destroy());
    else if (fault?.kind === 'stall') response.write(part.subarray(0, fault.afterBytes));
    else response.end(part);
  }

  #note(server: Seen['server'], request: IncomingMessage): URL {
    const url = new URL(request.url ?? '', this[server === 'hub' ? 'hubAddress' : 'contentAddress']);
    this.seen.push({
      server,
      path: url.pathname + url.search,
      token: tokenOf(request),
      range: request.headers.range,
    });
    return url;
  }

  #fault(url: URL, kinds: readonly Fault['kind'][]): Fault | undefined {
    const index = this.faults.findIndex(
      ({ path, kind }) => url.pathname.endsWith(path) && kinds.includes(kind),
    );
    return index < 0 ? undefined : this.faults.splice(index, 1)[0];
  }

  #fail(fault: Fault, response: ServerResponse): void {
    if (fault.kind === 'status') response.writeHead(fault.status, fault.headers);
    if (fault.kind === 'redirect') response.writeHead(302, { location: fault.to });
    response.end(fault.kind === 'answer' ? fault.body : '');
  }
}

function entryOf(path: string, bytes: Uint8Array) {
  const isLarge = bytes.length >= LARGE_BYTES;
  const oid = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  return {
    type: 'file',
    path,
    size: bytes.length,
    oid,
    ...(isLarge ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 130 } } : {}),
  };
}

const bytesOf = (file: Uint8Array | string): Uint8Array =>
  typeof file === 'string' ? Buffer.from(file) : file;
const tokenOf = ({ headers }: IncomingMessage): string | undefined =>
  headers.authorization?.replace('Bearer ', '');

function json(response: ServerResponse, value: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(value));
}

function end(response: ServerResponse, status: number, code: string | null): void {
  response.writeHead(status, code === null ? {} : { 'x-error-code': code });
  response.end();
}

async function listen(serve: (request: IncomingMessage, response: ServerResponse) => void) {
  const server: Server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Defect('A server on a port has an address.');
  return {
    address: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
