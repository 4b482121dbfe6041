// Cases 1 to 11 of the list of other servers' mistakes: pictures that a prompt names by URL.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventsOf, jsonRequest } from '../process/requests.js';
import { answerOf, formBody, generate, rawForm, tag, type Answer } from './asking.js';
import { photograph } from './files/valid.js';
import { dialledDuring, startLocalGateway, type LocalGateway } from './local-gateway.js';
import { LocalServers } from './local-servers.js';
import { PRIVATE_ADDRESSES, PRIVATE_SPELLINGS } from './private-hosts.js';

/** A host that the operator of these gateways allows, and so the "public" web of the tests. */
const PUBLIC = 'pictures.test';
const UNREACHABLE = 'text: The image URL could not be fetched: its host cannot be reached.';
const jpeg = photograph();

const servers = new LocalServers();
let visits: string[] = [];
/** The picture server: /picture is one, /to?URL redirects there. */
let web: number;
let off: LocalGateway;
let on: LocalGateway;
beforeAll(async () => {
  web = await servers.http((request, response) => {
    const url = request.url ?? '';
    visits.push(url);
    if (url.startsWith('/to?')) response.writeHead(302, { location: url.slice(4) }).end();
    else if (url.startsWith('/missing')) response.writeHead(404).end('nothing here');
    else if (url.startsWith('/html')) response.end('<!doctype html><title>not a picture</title>');
    else response.end(jpeg);
  });
  off = await startLocalGateway();
  on = await startLocalGateway({
    allow_remote_images: 'true',
    remote_image_allowlist: PUBLIC,
    remote_image_ports: `80,443,${web}`,
    remote_image_timeout_ms: '700',
    remote_image_max_bytes: '100000',
    max_images_per_prompt: '3',
  });
  on.names.set(PUBLIC, ['127.0.0.1']);
});
afterEach(() => {
  visits = [];
});
afterAll(async () => {
  await on.close();
  await off.close();
  servers.close();
});

const ownPorts = () =>
  [on, off].flatMap(({ url, managementUrl }) =>
    [url, managementUrl].map((text) => Number(new URL(text).port)),
  );
const page = (path: string): string => `http://${PUBLIC}:${web}${path}`;
const ask = (address: string): Promise<Answer> => generate(on.url, { text: `${tag(address)} what is this?` });
/** Asks, and demands that nothing was dialled meanwhile. */
async function askUndialled(address: string): Promise<Answer> {
  let answer: Answer | undefined;
  expect(
    await dialledDuring(ownPorts(), async () => {
      answer = await ask(address);
    }),
    address,
  ).toEqual([]);
  return answer!;
}

describe('with the setting off', () => {
  it('case 1: a tag is refused on every endpoint, naming the setting, and nothing is fetched', async () => {
    const text = `${tag(page('/picture'))} hello`;
    const form = formBody([
      { name: 'image_data', content: jpeg },
      { name: 'json_data', content: JSON.stringify({ text }) },
    ]);
    for (const [route, request] of [
      ['/generate', jsonRequest({ text })],
      ['/generate_stream', jsonRequest({ text: ['a', text] })],
      ['/image_generate', rawForm(form)],
      ['/image_generate_stream', rawForm(form)],
    ] as const) {
      const answer = await answerOf(await fetch(off.url + route, request));
      expect(answer, route).toMatchObject({ status: 400, code: 'request.remote_images_disabled' });
      expect(answer.message).toContain('allow_remote_images (TAKEOFF_ALLOW_REMOTE_IMAGES=true)');
    }
    expect(off.lookups).toEqual([]);
    expect(visits).toEqual([]);
  });

  it('case 1: schemes that are never fetched are refused too, and not read to the model', async () => {
    for (const address of [
      'file:///etc/passwd',
      'data:image/png;base64,AAAA',
      'gopher://127.0.0.1:6379/_x',
    ]) {
      expect((await generate(off.url, { text: tag(address) })).code, address).toBe(
        'request.remote_images_disabled',
      );
    }
  });
});

describe('with the setting on', () => {
  it('the tag of the documented example works: any host, redirected to another, a picture by its bytes', async () => {
    const answer = await ask(page(`/to?${page('/picture')}`));
    // The echo reader answers with the text of its prompt, so the picture is not in it and the tag neither.
    expect(answer).toMatchObject({ status: 200, text: '\n what is this?' });
    expect(visits).toHaveLength(2);
  });

  it('streams as well, and takes several tags and lists of prompts', async () => {
    const text = ['no picture', `a ${tag(page('/1'))} b ${tag(page('/2'))} c`, `${tag(page('/1'))}\nd`];
    const streamed = text.map(() => '');
    for await (const { data } of eventsOf(await fetch(`${on.url}/generate_stream`, jsonRequest({ text })))) {
      const event = JSON.parse(data) as { text: string; batch_id: number };
      streamed[event.batch_id] = `${streamed[event.batch_id] ?? ''}${event.text}`;
    }
    expect(streamed).toEqual(['no picture', 'a  b  c', '\nd']);
    // The same URL once, however many prompts name it.
    expect(visits.sort()).toEqual(['/1', '/2']);
  });

  it('counts pictures as they stand in the prompt, and prompt_max_tokens never drops one', async () => {
    const answer = await fetch(
      `${on.url}/generate`,
      jsonRequest({
        text: `abc ${tag(page('/1'))} def`,
        prompt_max_tokens: 2,
        max_new_tokens: 1,
        return_metadata: true,
      }),
    );
    const { metadata } = (await answer.json()) as {
      metadata: { prompt_tokens: number; image_tokens: number };
    };
    expect(metadata).toMatchObject({ image_tokens: 64, prompt_tokens: 66 });
  });

  it('more tags than max_images_per_prompt are refused', async () => {
    const answer = await generate(on.url, { text: tag(page('/1')).repeat(4) });
    expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
    expect(answer.message).toContain('max_images_per_prompt');
    expect(visits).toEqual([]);
  });

  it('a tag beside an upload counts as a second image', async () => {
    const form = formBody([
      { name: 'image_data', content: jpeg },
      { name: 'json_data', content: JSON.stringify({ text: tag(page('/1')) }) },
    ]);
    const answer = await answerOf(await fetch(`${on.url}/image_generate`, rawForm(form)));
    expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
    expect(visits).toEqual([]);
  });

  it('ends the download when the client goes away', async () => {
    let left: (() => void) | undefined;
    const closed = new Promise<void>((resolve) => {
      left = resolve;
    });
    const gone = new AbortController();
    const stalling = createHttpServer((_, response) => {
      response.writeHead(200).write('x');
      response.on('close', () => left?.());
      gone.abort();
    });
    await new Promise<void>((resolve) => stalling.listen(0, '127.0.0.1', resolve));
    const { port } = stalling.address() as { port: number };
    const patient = await startLocalGateway({
      allow_remote_images: 'true',
      remote_image_allowlist: PUBLIC,
      remote_image_ports: String(port),
      remote_image_timeout_ms: '600000',
    });
    patient.names.set(PUBLIC, ['127.0.0.1']);
    const asked = generate(patient.url, { text: tag(`http://${PUBLIC}:${port}/`) }, gone.signal);
    await expect(asked).rejects.toThrow();
    await closed;
    await patient.close();
    stalling.close();
  });

  it.each(PRIVATE_ADDRESSES)('case 2: %s is refused and not dialled', async (host) => {
    const answer = await askUndialled(`http://${host}/`);
    expect(answer).toMatchObject({ status: 400, code: 'image.fetch_failed', message: UNREACHABLE });
  });

  it.each(PRIVATE_SPELLINGS)('case 3: the spelling %j is refused and not dialled', async (host) => {
    for (const port of ['', `:${web}`]) {
      const answer = await askUndialled(`http://${host}${port}/`);
      expect(answer.status).toBe(400);
      expect(answer.code).toMatch(/^image\.(?:url_refused|fetch_failed)$/u);
    }
    expect(visits).toEqual([]);
  });

  it('case 3: a host name that resolves to a private address is refused and not dialled', async () => {
    for (const address of [
      '127.0.0.1',
      '::1',
      '::ffff:10.0.0.1',
      '169.254.169.254',
      '64:ff9b::7f00:1',
      'fe80::1%eth0',
    ]) {
      on.names.set('evil.test', [address]);
      expect(await askUndialled(`http://evil.test:${web}/`), address).toMatchObject({
        code: 'image.fetch_failed',
        message: UNREACHABLE,
      });
    }
    on.names.set('evil.test', ['93.184.216.34', '127.0.0.1']);
    expect((await askUndialled('http://evil.test/')).message).toBe(UNREACHABLE);
  });

  it.each([
    'http://127.0.0.1\\@example.com/',
    'http://example.com\\@127.0.0.1/',
    'http://user@pictures.test/',
    'http://user:hunter2@pictures.test/',
    'http://@pictures.test/',
    'http://pictures.test@127.0.0.1/',
    'http:///127.0.0.1/',
    'http:127.0.0.1',
    'https:\\\\127.0.0.1\\',
    'http://[::1',
    'http://127.0.0.1%2f@pictures.test/',
    'http://pictures.test%00.evil.test/',
    'http://pic\u00adtures.test:99999/',
  ])('case 4: %j, which parsers read differently, is refused and not dialled', async (address) => {
    const answer = await askUndialled(address);
    expect(answer.status).toBe(400);
    expect(answer.code).toMatch(/^image\.(?:url_refused|fetch_failed)$/u);
    expect(answer.message).not.toContain('hunter2');
  });

  it.each([
    ['loopback', () => `http://127.0.0.1:${web}/picture`],
    ['a spelling of loopback', () => `http://0x7f.1:${web}/picture`],
    ['a name that leads home', () => `http://home.test:${web}/picture`],
    ['the metadata service', () => 'http://169.254.169.254/latest/meta-data/'],
    ['another scheme', () => 'ftp://pictures.test/x'],
    ['a file', () => 'file:///etc/passwd'],
    ['another port', () => `http://${PUBLIC}:22/`],
    ['data', () => 'data:image/png;base64,AAAA'],
    ['credentials', () => `http://a:b@${PUBLIC}:${web}/picture`],
  ])('case 5: a redirect to %s is refused, and its target not asked', async (_, target) => {
    on.names.set('home.test', ['127.0.0.1']);
    const answer = await ask(page(`/to?${target()}`));
    expect(answer.status).toBe(400);
    expect(answer.code).toMatch(/^image\.(?:url_refused|fetch_failed)$/u);
    expect(visits).toHaveLength(1);
  });

  it('case 5: redirects are followed three times, also relative ones, and a loop ends', async () => {
    expect((await ask(page(`/to?/to?/to?/picture`))).status).toBe(200);
    expect(visits).toHaveLength(4);
    visits = [];
    const answer = await ask(page(`/to?/to?/to?/to?/picture`));
    expect(answer.message).toContain('redirects more than 3 times');
    expect(visits).toHaveLength(4);
  });

  it('case 6: the address judged is the address dialled; a second answer is never used', async () => {
    let asked = 0;
    // Public first, then home: what a rebinding name server says.
    on.names.set('rebind.test', () => (asked++ === 0 ? ['192.0.3.1'] : ['127.0.0.1']));
    const dialled = await dialledDuring(ownPorts(), async () => {
      expect((await ask(`http://rebind.test:${web}/picture`)).status).toBe(400);
    });
    expect(asked).toBe(1);
    // The connection asks for the name; its lookup answers with what was judged.
    expect(dialled).toEqual([{ host: 'rebind.test', port: web, addresses: ['192.0.3.1'] }]);
    expect(visits).toEqual([]);
    expect((await ask(`http://rebind.test:${web}/picture`)).message).toBe(UNREACHABLE);
    expect(visits).toEqual([]);
  });

  it.each([
    ['ftp://pictures.test/a.png', 'scheme is ftp'],
    ['gopher://pictures.test/', 'scheme is gopher'],
    ['data:image/png;base64,AAAA', 'scheme is data'],
    ['file:///etc/passwd', 'scheme is file'],
    ['http://pictures.test:6379/', 'port is 6379'],
    ['https://pictures.test:22/', 'port is 22'],
  ])('case 7: %s is refused by its %s', async (address, reason) => {
    const answer = await askUndialled(address);
    expect(answer).toMatchObject({ status: 400, code: 'image.url_refused' });
    expect(answer.message).toContain(reason);
    expect(answer.message).toMatch(/allowed are/u);
  });

  it('case 7: with a list of domains only those are looked up, redirects included', async () => {
    const listed = await startLocalGateway({
      allow_remote_images: 'true',
      remote_image_domains: 'exact.test,*.below.test',
      remote_image_allowlist: PUBLIC,
      remote_image_ports: String(web),
    });
    listed.names.set(PUBLIC, ['127.0.0.1']);
    const codeOf = async (address: string) => (await generate(listed.url, { text: tag(address) })).code;
    for (const host of [
      'other.test',
      'a.exact.test',
      'below.test',
      'exact.test.evil.test',
      'notbelow.test',
    ]) {
      expect(await codeOf(`http://${host}:${web}/`), host).toBe('image.url_refused');
    }
    expect(listed.lookups).toEqual([]);
    for (const host of ['exact.test', 'a.below.test', 'EXACT.test.', 'b.a.below.test'])
      await codeOf(`http://${host}:${web}/`);
    expect(listed.lookups).toEqual(['exact.test', 'a.below.test', 'exact.test', 'b.a.below.test']);
    expect(await codeOf(page('/to?http://other.test/'))).toBe('image.url_refused');
    await listed.close();
  });
});

describe('bodies', () => {
  const flooded = Buffer.alloc(65_536, 'x');
  const OK = 'HTTP/1.1 200 OK\r\n';
  const KINDS: Readonly<
    Record<string, { head: string | Buffer; then: 'flood' | 'drip' | 'nothing' | 'close'; code: string }>
  > = {
    'an endless body': { head: `${OK}\r\n`, then: 'flood', code: 'image.fetch_too_large' },
    'an endless chunked body': {
      head: `${OK}transfer-encoding: chunked\r\n\r\nfffffff\r\n`,
      then: 'flood',
      code: 'image.fetch_too_large',
    },
    'a Content-Length of gigabytes': {
      head: `${OK}content-length: 9999999999\r\n\r\n`,
      then: 'nothing',
      code: 'image.fetch_too_large',
    },
    'a Content-Length larger than the body': {
      head: `${OK}content-length: 5000\r\n\r\nshort`,
      then: 'close',
      code: 'image.fetch_failed',
    },
    'one byte at a time': { head: `${OK}\r\n`, then: 'drip', code: 'image.fetch_failed' },
    'headers that never end': { head: `${OK}x: `, then: 'drip', code: 'image.fetch_failed' },
    'endless headers': { head: `${OK}x: `, then: 'flood', code: 'image.fetch_failed' },
    silence: { head: '', then: 'nothing', code: 'image.fetch_failed' },
    rubbish: { head: 'SSH-2.0-OpenSSH\r\n', then: 'close', code: 'image.fetch_failed' },
    'a bomb in gzip': {
      head: Buffer.concat([
        Buffer.from(`${OK}content-encoding: gzip\r\n\r\n`),
        gzipSync(Buffer.alloc(50_000_000)),
      ]),
      then: 'close',
      code: 'image.fetch_failed',
    },
    'a bomb in br': {
      head: Buffer.concat([
        Buffer.from(`${OK}content-encoding: br\r\n\r\n`),
        brotliCompressSync(Buffer.alloc(10_000_000)),
      ]),
      then: 'close',
      code: 'image.fetch_failed',
    },
  };
  const requests: string[] = [];
  let bad: number;
  let gateway: LocalGateway;
  beforeAll(async () => {
    bad = await servers.raw((socket) => {
      const flood = (): void => {
        while (!socket.destroyed && socket.write(flooded));
      };
      socket.once('data', (request) => {
        requests.push(request.toString());
        const kind = decodeURIComponent(/^GET \/(\S*)/u.exec(request.toString())?.[1] ?? '');
        const { head, then } = KINDS[kind]!;
        socket.write(head);
        if (then === 'close') socket.end();
        if (then === 'flood') {
          socket.on('drain', flood);
          flood();
        }
        const drip = setInterval(() => then === 'drip' && socket.write('x'), 50);
        socket.on('close', () => clearInterval(drip));
      });
    });
    gateway = await startLocalGateway({
      allow_remote_images: 'true',
      remote_image_allowlist: PUBLIC,
      remote_image_ports: String(bad),
      remote_image_timeout_ms: '500',
      remote_image_max_bytes: '100000',
    });
    gateway.names.set(PUBLIC, ['127.0.0.1']);
  });
  afterAll(() => gateway.close());

  it.each(Object.keys(KINDS))('case 8: %s ends within the limits of bytes and time', async (kind) => {
    const start = performance.now();
    const address = `http://${PUBLIC}:${bad}/${encodeURIComponent(kind)}`;
    const answer = await generate(gateway.url, { text: tag(address) });
    expect(answer).toMatchObject({ status: 400, code: KINDS[kind]!.code });
    if (kind.startsWith('a bomb')) expect(answer.message).toContain('identity was asked for');
    expect(performance.now() - start).toBeLessThan(5000);
    expect(requests.at(-1)).toContain('accept-encoding: identity');
  });
});

describe('the one way out', () => {
  it('case 9: nothing but the fetcher opens a connection, whatever a request holds', async () => {
    const address = page('/picture');
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
    const dialled = await dialledDuring(ownPorts(), async () => {
      for (const { url } of [on, off]) {
        expect((await generate(url, everything)).status).toBe(200);
        expect((await answerOf(await fetch(`${url}/image_generate`, form({})))).status).toBe(200);
        expect(
          (await answerOf(await fetch(`${url}/image_generate`, form({ text: tag(address) })))).status,
        ).toBe(400);
      }
    });
    expect(dialled).toEqual([]);
    // The same look does see the fetcher.
    const fetched = await dialledDuring(ownPorts(), async () => {
      await ask(address);
    });
    expect(fetched).toEqual([{ host: PUBLIC, port: web, addresses: ['127.0.0.1'] }]);
  });

  it('case 9: no other file of the gateway can open one', () => {
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

describe('what the web sees of us', () => {
  it('case 10: no cookie, no credential, no proxy and no netrc is used', async () => {
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
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    const gateway = await startLocalGateway({
      allow_remote_images: 'true',
      remote_image_allowlist: PUBLIC,
      remote_image_ports: String(cookies),
    });
    gateway.names.set(PUBLIC, ['127.0.0.1']);
    await generate(gateway.url, { text: tag(`http://${PUBLIC}:${cookies}/`) });
    await gateway.close();
    vi.unstubAllEnvs();
    expect(seen).toHaveLength(4);
    for (const headers of seen) {
      expect(Object.keys(headers).sort()).toEqual([
        'accept',
        'accept-encoding',
        'connection',
        'host',
        'user-agent',
      ]);
    }
    expect(proxied).toBe(0);
  });

  it('case 10: errors read the same whether the target exists or not', async () => {
    on.names.set('home.test', ['127.0.0.1']);
    const answers = [
      // A port where somebody listens, one where nobody does, an address in a private network, a name that does not exist.
      await ask(`http://127.0.0.1:${web}/picture`),
      await ask('http://127.0.0.1/'),
      await ask('http://10.255.255.1/'),
      await ask(`http://home.test:${web}/picture`),
      await ask('http://no-such-name.test/'),
      await ask(`http://localhost:${web}/`),
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

describe('many and failing tags', () => {
  it('case 11: 100,000 tags in a prompt are refused in linear time', async () => {
    const generous = await startLocalGateway({
      allow_remote_images: 'true',
      max_prompt_string_bytes: '10000000',
    });
    const secondsOf = async (count: number): Promise<number> => {
      const start = process.cpuUsage();
      const answer = await generate(generous.url, { text: tag('http://a.test/').repeat(count) });
      expect(answer).toMatchObject({ status: 400, code: 'request.too_many_images' });
      expect(answer.message.length).toBeLessThan(300);
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1e6;
    };
    await secondsOf(1000);
    // Quadratic time would be minutes.
    expect(await secondsOf(100_000)).toBeLessThan(3);
    expect(generous.lookups).toEqual([]);
    await generous.close();
  });

  it('case 11: with the default limits it is too long a text', async () => {
    const answer = await generate(on.url, { text: tag('http://a.test/').repeat(100_000) });
    expect(answer).toMatchObject({ status: 400, code: 'request.prompt_too_large' });
  });

  it.each([
    ['/missing', 'image.fetch_failed', 'status 404'],
    ['/html', 'image.format_unsupported', 'HTML'],
  ])(
    'case 11: one picture that fails (%s) fails its request, naming the prompt',
    async (path, code, reason) => {
      const answer = await generate(on.url, { text: ['fine', tag(page('/1')), tag(page(path)), 'fine'] });
      expect(answer).toMatchObject({ status: 400, code });
      expect(answer.message).toMatch(/^text\[2\]: /u);
      expect(answer.message).toContain(reason);
    },
  );
});

function filesBelow(folder: URL): URL[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(new URL(`${entry.name}/`, folder)) : [new URL(entry.name, folder)],
  );
}
