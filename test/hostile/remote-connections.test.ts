// Cases 8 to 10 of docs/security.md: hosts that misbehave, the fetcher as the only way out, and what a host learns of the server.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerOf, formBody, generate, rawForm, tag } from './asking.js';
import { photograph } from './files/valid.js';
import type { LocalGateway } from './local-gateway.js';
import { LocalServers } from './local-servers.js';
import { PUBLIC, startFetchingGateway, startImageWeb, UNREACHABLE, type ImageWeb } from './image-web.js';

const jpeg = photograph();
/** Hosts that misbehave, or watch. */
const servers = new LocalServers();
afterAll(() => servers.close());
let web: ImageWeb;
beforeAll(async () => {
  web = await startImageWeb();
});
afterEach(() => web.forgetVisits());
afterAll(() => web.close());

describe('a host that misbehaves', () => {
  const flooded = Buffer.alloc(65_536, 'x');
  const OK = 'HTTP/1.1 200 OK\r\n';
  const REDIRECT = 'HTTP/1.1 302 Found\r\nlocation: /a%20slow%20chain%20of%20redirects\r\n\r\n';
  const TOO_LARGE = 'has more than 100000 bytes; remote_image_max_bytes';
  const TIMED_OUT = 'within 500 ms; remote_image_timeout_ms';
  /** Delay of a host that answers each single request in time, but not all redirects together. */
  const LATE_MS = 200;
  const KINDS: Readonly<
    Record<
      string,
      { head: string | Buffer; then: 'flood' | 'drip' | 'nothing' | 'close' | 'late'; ends: string }
    >
  > = {
    'an endless body': { head: `${OK}\r\n`, then: 'flood', ends: TOO_LARGE },
    'an endless chunked body': {
      head: `${OK}transfer-encoding: chunked\r\n\r\nfffffff\r\n`,
      then: 'flood',
      ends: TOO_LARGE,
    },
    'a Content-Length of gigabytes': {
      head: `${OK}content-length: 9999999999\r\n\r\n`,
      then: 'nothing',
      ends: TOO_LARGE,
    },
    'a Content-Length larger than the body': {
      head: `${OK}content-length: 5000\r\n\r\nshort`,
      then: 'close',
      ends: 'broke before its end',
    },
    'a body of one byte at a time': { head: `${OK}\r\n`, then: 'drip', ends: TIMED_OUT },
    'headers that never end': { head: `${OK}x: `, then: 'drip', ends: TIMED_OUT },
    // These are refused by their size, before the time is up.
    'endless headers': { head: `${OK}x: `, then: 'flood', ends: 'its host cannot be reached' },
    'a slow chain of redirects': { head: REDIRECT, then: 'late', ends: TIMED_OUT },
    silence: { head: '', then: 'nothing', ends: TIMED_OUT },
    rubbish: { head: 'SSH-2.0-OpenSSH\r\n', then: 'close', ends: 'its host cannot be reached' },
    'a gzip bomb': {
      head: Buffer.concat([
        Buffer.from(`${OK}content-encoding: gzip\r\n\r\n`),
        gzipSync(Buffer.alloc(50_000_000)),
      ]),
      then: 'close',
      ends: 'sends it as gzip, where identity was asked for',
    },
    'a Brotli bomb': {
      head: Buffer.concat([
        Buffer.from(`${OK}content-encoding: br\r\n\r\n`),
        brotliCompressSync(Buffer.alloc(10_000_000)),
      ]),
      then: 'close',
      ends: 'sends it as br, where identity was asked for',
    },
  };
  const requests: string[] = [];
  let bad: number;
  /** Its time is up soon. */
  let gateway: LocalGateway;
  /** For what ends by itself, on a busy machine too late for the other one. */
  let patient: LocalGateway;
  beforeAll(async () => {
    bad = await servers.raw((socket) => {
      const flood = (): void => {
        while (!socket.destroyed && socket.write(flooded));
      };
      socket.once('data', (request) => {
        requests.push(request.toString());
        const kind = decodeURIComponent(/^GET \/(\S*)/u.exec(request.toString())?.[1] ?? '');
        const { head, then } = KINDS[kind]!;
        if (then === 'late') setTimeout(() => socket.end(head), LATE_MS);
        else socket.write(head);
        if (then === 'close') socket.end();
        if (then === 'flood') {
          socket.on('drain', flood);
          flood();
        }
        const drip = setInterval(() => then === 'drip' && socket.write('x'), 50);
        socket.on('close', () => clearInterval(drip));
      });
    });
    const limits = { remote_image_ports: String(bad), remote_image_max_bytes: '100000' };
    gateway = await startFetchingGateway({ ...limits, remote_image_timeout_ms: '500' });
    patient = await startFetchingGateway({ ...limits, remote_image_timeout_ms: '30000' });
  });
  afterAll(async () => {
    await gateway.close();
    await patient.close();
  });

  it.each(Object.keys(KINDS))(
    'case 8: %s fails the request within the limits of bytes and time',
    async (kind) => {
      const start = performance.now();
      const address = `http://${PUBLIC}:${bad}/${encodeURIComponent(kind)}`;
      const { ends } = KINDS[kind]!;
      const { url } = ends === TIMED_OUT ? gateway : patient;
      const answer = await generate(url, { text: tag(address) });
      const code = ends === TOO_LARGE ? 'image.fetch_too_large' : 'image.fetch_failed';
      expect(answer).toMatchObject({ status: 400, code });
      expect(answer.message).toContain(ends);
      expect(performance.now() - start).toBeLessThan(10_000);
      expect(requests.at(-1)).toContain('accept-encoding: identity');
    },
  );

  it('case 8: a name server that never answers fails the request after remote_image_timeout_ms', async () => {
    gateway.names.set('silent.test', () => new Promise(() => undefined));
    const answer = await generate(gateway.url, { text: tag(`http://silent.test:${bad}/`) });
    expect(answer).toMatchObject({ status: 400, code: 'image.fetch_failed' });
    expect(answer.message).toContain(TIMED_OUT);
  });
});

describe('outgoing connections', () => {
  it('case 9: only image tags make the gateway open a connection, whatever else a request holds', async () => {
    const address = web.page('/image');
    const everything = {
      text: 'hello',
      image_paths: [address, '/etc/passwd'],
      image_url: address,
      images: [{ url: address }],
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: address } }] }],
    };
    const form = (more: object) =>
      rawForm(
        formBody([
          { name: 'image_data', content: jpeg },
          { name: 'json_data', content: JSON.stringify({ ...everything, ...more }) },
          { name: 'image_url', content: address },
          { name: 'url', content: address },
        ]),
      );
    const dialled = await web.dialledDuring(async () => {
      for (const { url } of [web.on, web.off]) {
        expect((await generate(url, everything)).status).toBe(200);
        expect((await answerOf(await fetch(`${url}/image_generate`, form({})))).status).toBe(200);
        expect(
          (await answerOf(await fetch(`${url}/image_generate`, form({ text: tag(address) })))).status,
        ).toBe(400);
      }
    });
    expect(dialled).toEqual([]);
    // The same recording does see the fetcher's connection.
    const fetched = await web.dialledDuring(async () => {
      await web.ask(address);
    });
    expect(fetched).toEqual([{ host: PUBLIC, port: web.port, addresses: ['127.0.0.1'] }]);
  });

  it('case 9: no file of the gateway outside intake/remote can open a connection', () => {
    const sources = filesBelow(new URL('../../server/src/gateway/', import.meta.url));
    const outbound =
      /\bfrom 'node:(?:https?|net|tls|dgram|http2|dns)(?:\/promises)?'|\bfetch\(|\bundici\b|new WebSocket\(/u;
    const found = sources
      .filter((file) => !/\.(?:test|fixture)\.ts$/u.test(file.pathname))
      .filter((file) => {
        const imports = readFileSync(file, 'utf8')
          .split('\n')
          .filter(
            (line) =>
              !/^import type |fetcher\.fetch\(|^\s*(?:\/\/|\*)/u.test(line) &&
              !/^ {2}fetch\(url: string/u.test(line),
          );
        return imports.some((line) => outbound.test(line));
      })
      .map((file) => file.pathname.split('/gateway/')[1]);
    expect(found.sort()).toEqual([
      'intake/remote/fetcher.ts',
      'intake/remote/hop.ts',
      'intake/remote/ip-address.ts',
      'intake/remote/resolve.ts',
    ]);
  });
});

describe('what a host of images learns of the server', () => {
  it('case 10: the fetcher sends no cookie and no credential, and uses no proxy and no netrc', async () => {
    const seen: NodeJS.Dict<string | string[]>[] = [];
    const cookies = await servers.http((request, response) => {
      seen.push(request.headers);
      response.writeHead(302, { 'set-cookie': 'session=1', location: seen.length < 3 ? '/again' : '/end' });
      response.end();
    });
    let proxied = 0;
    const proxy = await servers.http((_, response) => {
      proxied += 1;
      response.end(jpeg);
    });
    const proxyUrl = `http://127.0.0.1:${proxy}`;
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'http_proxy', 'https_proxy', 'all_proxy'];
    for (const name of names) vi.stubEnv(name, proxyUrl);
    const home = mkdtempSync(path.join(os.tmpdir(), 'takeoff-home-'));
    writeFileSync(path.join(home, '.netrc'), `machine ${PUBLIC} login name password word\n`);
    vi.stubEnv('HOME', home);
    vi.stubEnv('NETRC', path.join(home, '.netrc'));
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    const gateway = await startFetchingGateway({
      remote_image_ports: String(cookies),
    });
    await generate(gateway.url, { text: tag(`http://${PUBLIC}:${cookies}/`) });
    await gateway.close();
    vi.unstubAllEnvs();
    rmSync(home, { recursive: true });
    expect(seen).toHaveLength(4);
    for (const headers of seen) {
      expect(Object.keys(headers).sort()).toEqual([
        'accept',
        'accept-encoding',
        'connection',
        'host',
        'user-agent',
      ]);
      // A connection that is kept would serve a later request without another validation of its address.
      expect(headers['connection']).toBe('close');
    }
    expect(proxied).toBe(0);
  });

  it('case 10: the error message does not tell whether the target exists', async () => {
    web.on.names.set('home.test', ['127.0.0.1']);
    const answers = [
      // An open port, a closed port, an address in a private network, names of loopback, and a name that does not exist.
      await web.ask(`http://127.0.0.1:${web.port}/image`),
      await web.ask('http://127.0.0.1/'),
      await web.ask('http://10.255.255.1/'),
      await web.ask(`http://home.test:${web.port}/image`),
      await web.ask('http://no-such-name.test/'),
      await web.ask(`http://localhost:${web.port}/`),
    ];
    for (const { status, code, message } of answers) {
      expect({ status, code, message }).toEqual({
        status: 400,
        code: 'image.fetch_failed',
        message: UNREACHABLE,
      });
    }
  });
});

function filesBelow(folder: URL): URL[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(new URL(`${entry.name}/`, folder)) : [new URL(entry.name, folder)],
  );
}
