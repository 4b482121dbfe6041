// Against servers on the loopback interface and a resolver of the test's own; no packet leaves the machine.
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createFetcher, type FetcherOptions, type FetchOutcome } from './fetcher.js';

const never = new AbortController().signal;
const servers: Server[] = [];
const sockets = new Set<Socket>();
async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
const serve = (listener: RequestListener): Promise<number> => listen(createHttpServer(listener));
/** Answers every connection with these bytes and leaves it open. */
const serveRaw = (answer: string): Promise<number> =>
  listen(createServer((socket) => void socket.write(answer)));

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of servers.splice(0)) server.close();
});

const outcomes: FetchOutcome[] = [];
/** `store.test` is a private host that the operator named, on the given ports. */
const fetcher = (ports: readonly number[], more: Partial<FetcherOptions> = {}) =>
  createFetcher({
    ports: [...ports, 80, 443],
    privateHosts: ['store.test'],
    resolver: () => Promise.resolve(['127.0.0.1']),
    onOutcome: (outcome) => outcomes.push(outcome),
    ...more,
  });
const failure = async (run: Promise<unknown>): Promise<unknown> => {
  try {
    await run;
  } catch (error) {
    return error;
  }
  throw new Error('The fetch did not fail.');
};
const lastOutcome = (): FetchOutcome['result'] | undefined => outcomes.at(-1)?.result;
const NOT_DIALLED = 'its address may not be dialled';
const UNREACHABLE = 'InputError: The image URL could not be fetched: its host cannot be reached.';
const asText = (error: unknown): string => String(error).replace(/^\w+:/u, 'InputError:');

describe('fetching', () => {
  it('gives the bytes, and sends nothing of the surroundings', async () => {
    let headers: NodeJS.Dict<string | string[]> = {};
    const port = await serve((request, response) => {
      ({ headers } = request);
      response.end(Buffer.from([1, 2, 3]));
    });
    const bytes = await fetcher([port]).fetch(`http://store.test:${port}/a?b=c`, never);
    expect([...bytes]).toEqual([1, 2, 3]);
    expect(headers['host']).toBe(`store.test:${port}`);
    expect(headers['accept-encoding']).toBe('identity');
    expect(Object.keys(headers).sort()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ]);
    expect(outcomes.at(-1)).toMatchObject({ result: 'fetched', byteCount: 3 });
  });

  it('follows up to three redirects, relative and absolute', async () => {
    const hops = ['/1', '/2', '/3'];
    const port = await serve((request, response) => {
      const next = hops[Number((request.url ?? '').slice(1))];
      if (next === undefined) response.end('image');
      else
        response
          .writeHead(302, { location: next === '/2' ? `http://store.test:${port}/2` : next })
          .end('moved');
    });
    const bytes = await fetcher([port]).fetch(`http://store.test:${port}/0`, never);
    expect(Buffer.from(bytes).toString()).toBe('image');
  });

  it('gives up on a loop of redirects', async () => {
    let requests = 0;
    const port = await serve((_, response) => {
      requests += 1;
      response.writeHead(301, { location: '/' }).end();
    });
    const error = await failure(fetcher([port]).fetch(`http://store.test:${port}/`, never));
    expect(error).toMatchObject({ code: 'image.fetch_failed' });
    expect(String(error)).toContain('redirects more than 3 times');
    expect(requests).toBe(4);
  });
});

describe('addresses', () => {
  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://2130706433/',
    'http://127.0.0.1./',
    'http://１２７.０.０.１/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://localhost/',
    'http://localhost./',
    'http://a.localhost/',
    'http://10.0.0.1/',
    'http://name-that-leads-home.test/',
  ])('refuses %s without a connection, as if nobody were there', async (url) => {
    let connections = 0;
    const port = await listen(createServer(() => (connections += 1)));
    const target = new URL(url);
    target.port = String(port);
    const error = await failure(fetcher([port]).fetch(target.href, never));
    expect(error).toMatchObject({ code: 'image.fetch_failed' });
    expect(asText(error)).toBe(UNREACHABLE);
    expect(lastOutcome()).toBe('address');
    expect(connections).toBe(0);
  });

  it('refuses a name if one of its addresses is private', async () => {
    const resolver = () => Promise.resolve(['1.1.1.1', '127.0.0.1']);
    const error = await failure(fetcher([], { resolver }).fetch('http://two.test/', never));
    expect(asText(error)).toBe(UNREACHABLE);
    expect(lastOutcome()).toBe('address');
  });

  it.each<[string, FetchOutcome['failure']]>([
    ['http://10.0.0.1/', { host: '10.0.0.1', addressClass: 'private', cause: NOT_DIALLED }],
    [
      'http://[::ffff:127.0.0.1]/a?key=secret',
      { host: '[::ffff:7f00:1]', addressClass: 'IPv4-mapped loopback', cause: NOT_DIALLED },
    ],
    [
      'http://name-that-leads-home.test/',
      { host: 'name-that-leads-home.test', addressClass: 'loopback', cause: NOT_DIALLED },
    ],
    [
      'ftp://a.test/',
      {
        host: 'a.test',
        addressClass: null,
        cause: 'The image URL is refused: its scheme is ftp; allowed are http://HOST and https://HOST.',
      },
    ],
    [
      'nothing',
      {
        host: null,
        addressClass: null,
        cause: 'The image URL is refused: its scheme is none; allowed are http://HOST and https://HOST.',
      },
    ],
  ])(
    'tells the operator of %s what its answer does not: host, class of address, cause',
    async (url, facts) => {
      await failure(fetcher([]).fetch(url, never));
      expect(outcomes.at(-1)?.failure).toEqual(facts);
      expect(JSON.stringify(outcomes.at(-1))).not.toContain('secret');
    },
  );

  it('tells the operator of the hop that failed, and of the system code where nobody answered', async () => {
    const port = await serve((_, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/key' }).end(),
    );
    await failure(fetcher([port]).fetch(`http://store.test:${port}/`, never));
    expect(outcomes.at(-1)?.failure).toEqual({
      host: '169.254.169.254',
      addressClass: 'link-local',
      cause: NOT_DIALLED,
    });
    const closed = createServer();
    const closedPort = await listen(closed);
    await new Promise((resolve) => closed.close(resolve));
    await failure(fetcher([closedPort]).fetch(`http://store.test:${closedPort}/`, never));
    expect(outcomes.at(-1)?.failure).toEqual({
      host: 'store.test',
      addressClass: null,
      cause: 'ECONNREFUSED',
    });
  });

  it('says the same of a name that does not exist and of a closed port', async () => {
    const resolver = () => Promise.reject(new Error('ENOTFOUND'));
    expect(asText(await failure(fetcher([], { resolver }).fetch('http://none.test/', never)))).toBe(
      UNREACHABLE,
    );
    const closed = createServer();
    const port = await listen(closed);
    await new Promise((resolve) => closed.close(resolve));
    expect(asText(await failure(fetcher([port]).fetch(`http://store.test:${port}/`, never)))).toBe(
      UNREACHABLE,
    );
    expect(lastOutcome()).toBe('unreachable');
  });

  it('resolves once for a hop and dials what was validated', async () => {
    const answers = [['127.0.0.1'], ['10.9.9.9']];
    const port = await serve((_, response) => response.end('here'));
    let lookups = 0;
    const resolver = () => Promise.resolve(answers[lookups++] ?? []);
    const bytes = await fetcher([port], { resolver }).fetch(`http://store.test:${port}/`, never);
    expect(Buffer.from(bytes).toString()).toBe('here');
    expect(lookups).toBe(1);
  });

  it('validates the target of a redirect like any other', async () => {
    const port = await serve((request, response) => {
      const location =
        request.url === '/name' ? `http://evil.test:${port}/` : `http://127.0.0.1:${port}/secret`;
      response.writeHead(302, { location }).end();
    });
    for (const path of ['name', 'address']) {
      const error = await failure(fetcher([port]).fetch(`http://store.test:${port}/${path}`, never));
      expect(asText(error)).toBe(UNREACHABLE);
      expect(lastOutcome()).toBe('address');
    }
  });
});

describe('limits', () => {
  it.each([
    ['declares too much', (bytes: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${bytes + 1}\r\n\r\n`],
    ['sends too much', (bytes: number) => `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(bytes + 1)}`],
    [
      'sends more than it declares',
      (bytes: number) =>
        `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${(bytes + 1).toString(16)}\r\n${'x'.repeat(bytes + 1)}\r\n`,
    ],
  ])('stop a server that %s', async (_, answer) => {
    const port = await serveRaw(answer(1000));
    const error = await failure(
      fetcher([port], { maxBytes: 1000 }).fetch(`http://store.test:${port}/`, never),
    );
    expect(error).toMatchObject({ code: 'image.fetch_too_large' });
    expect(lastOutcome()).toBe('size');
  });

  it.each([
    ['says nothing', ''],
    ['sends headers without end', 'HTTP/1.1 200 OK\r\nx: '],
    ['sends a body without end', 'HTTP/1.1 200 OK\r\n\r\nx'],
  ])('stop a server that %s at the deadline', async (_, answer) => {
    const port = await serveRaw(answer);
    const error = await failure(
      fetcher([port], { timeoutMs: 60 }).fetch(`http://store.test:${port}/`, never),
    );
    expect(error).toMatchObject({ code: 'image.fetch_failed' });
    expect(String(error)).toContain('within 60 ms');
    expect(lastOutcome()).toBe('timeout');
  });

  it('stop a resolver that does not answer', async () => {
    const resolver = () => new Promise<string[]>(() => undefined);
    const error = await failure(fetcher([], { resolver, timeoutMs: 30 }).fetch('http://slow.test/', never));
    expect(String(error)).toContain('within 30 ms');
  });

  it('end the fetch when the client leaves', async () => {
    const client = new AbortController();
    const reason = new Error('The client left.');
    const port = await listen(createServer(() => client.abort(reason)));
    expect(await failure(fetcher([port]).fetch(`http://store.test:${port}/`, client.signal))).toBe(reason);
    expect(lastOutcome()).toBe('cancelled');
  });

  it.each([
    ['status', 'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n'],
    ['status', 'HTTP/1.1 304 Not Modified\r\n\r\n'],
    ['encoding', 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx'],
    ['unreachable', 'SSH-2.0-OpenSSH_9.7\r\n'],
    ['unreachable', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
  ] as const)('refuse an answer for its %s', async (reason, answer) => {
    const port = await serveRaw(answer);
    const error = await failure(fetcher([port]).fetch(`http://store.test:${port}/`, never));
    expect(error).toMatchObject({ code: 'image.fetch_failed' });
    expect(lastOutcome()).toBe(reason);
  });

  it('refuse a body that ends early', async () => {
    const port = await listen(
      createServer((socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')),
    );
    expect(await failure(fetcher([port]).fetch(`http://store.test:${port}/`, never))).toMatchObject({
      code: 'image.fetch_failed',
    });
    expect(lastOutcome()).toBe('broken');
  });
});
