// Cases 2 to 7 of docs/security.md: URLs that lead where the server must not go.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { generate, tag } from './asking.js';
import { PUBLIC, startFetchingGateway, startImageWeb, UNREACHABLE, type ImageWeb } from './image-web.js';
import { PRIVATE_ADDRESSES, PRIVATE_SPELLINGS } from './private-hosts.js';

let web: ImageWeb;
beforeAll(async () => {
  web = await startImageWeb();
});
afterEach(() => web.forgetVisits());
afterAll(() => web.close());

describe('addresses of remote images', () => {
  it.each(PRIVATE_ADDRESSES)('case 2: %s is refused and not dialled', async (host) => {
    const answer = await web.askUndialled(`http://${host}/`);
    expect(answer).toMatchObject({ status: 400, code: 'image.fetch_failed', message: UNREACHABLE });
  });

  it.each(PRIVATE_SPELLINGS)('case 3: the spelling %j is refused and not dialled', async (host) => {
    for (const port of ['', `:${web.port}`]) {
      const answer = await web.askUndialled(`http://${host}${port}/`);
      expect(answer.status).toBe(400);
      expect(answer.code).toMatch(/^image\.(?:url_refused|fetch_failed)$/u);
    }
    expect(web.visits).toEqual([]);
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
      web.on.names.set('evil.test', [address]);
      expect(await web.askUndialled(`http://evil.test:${web.port}/`), address).toMatchObject({
        code: 'image.fetch_failed',
        message: UNREACHABLE,
      });
    }
    web.on.names.set('evil.test', ['93.184.216.34', '127.0.0.1']);
    expect((await web.askUndialled('http://evil.test/')).message).toBe(UNREACHABLE);
  });

  it('case 3: names of loopback are refused whatever a name server says of them', async () => {
    for (const host of ['localhost', 'a.localhost', 'a.b.localhost']) {
      web.on.names.set(host, ['93.184.216.34']);
      web.on.names.set(`${host}.`, ['93.184.216.34']);
      expect((await web.askUndialled(`http://${host}/`)).message, host).toBe(UNREACHABLE);
      expect((await web.askUndialled(`http://${host}./`)).message, host).toBe(UNREACHABLE);
    }
  });

  it.each([
    'http://127.0.0.1\\@example.com/',
    'http://example.com\\@127.0.0.1/',
    'http://example.com\\.evil.test/',
    'http://user@images.test/',
    'http://user:hunter2@images.test/',
    'http://@images.test/',
    'http://images.test@127.0.0.1/',
    'http:///127.0.0.1/',
    'http:127.0.0.1',
    'https:\\\\127.0.0.1\\',
    'http://[::1',
    'http://127.0.0.1%2f@images.test/',
    'http://images.test%00.evil.test/',
    'http://pic\u00adtures.test:99999/',
  ])('case 4: %j, which parsers read differently, is refused and not dialled', async (address) => {
    web.on.names.set('example.com', ['93.184.216.34']);
    const before = web.on.lookups.length;
    const answer = await web.askUndialled(address);
    // url_refused: the URL is refused as such, not because of the host that one reading of it names.
    expect(answer).toMatchObject({ status: 400, code: 'image.url_refused' });
    expect(answer.message).not.toContain('hunter2');
    expect(web.on.lookups).toHaveLength(before);
  });

  it.each([
    ['loopback', 'fetch_failed', () => `http://127.0.0.1:${web.port}/image`],
    ['a spelling of loopback', 'fetch_failed', () => `http://0x7f.1:${web.port}/image`],
    ['a name of loopback', 'fetch_failed', () => `http://home.test:${web.port}/image`],
    ['the metadata service', 'fetch_failed', () => 'http://169.254.169.254/latest/meta-data/'],
    ['ftp', 'url_refused', () => 'ftp://images.test/x'],
    ['a file', 'url_refused', () => 'file:///etc/passwd'],
    ['a port that is not allowed', 'url_refused', () => `http://${PUBLIC}:22/`],
    ['a data URL', 'url_refused', () => 'data:image/png;base64,AAAA'],
    ['a URL with credentials', 'url_refused', () => `http://a:b@${PUBLIC}:${web.port}/image`],
    ['a path with backslashes', 'url_refused', () => `%5C%5C${PUBLIC}:${web.port}%5Cimage`],
  ])('case 5: a redirect to %s is refused (%s), and its target not asked', async (_, code, target) => {
    web.on.names.set('home.test', ['127.0.0.1']);
    const answer = await web.ask(web.page(`/to?${target()}`));
    expect(answer).toMatchObject({ status: 400, code: `image.${code}` });
    expect(web.visits).toHaveLength(1);
  });

  it('case 5: redirects are followed three times, also relative ones, and a loop ends', async () => {
    expect((await web.ask(web.page(`/to?/to?/to?/image`))).status).toBe(200);
    expect(web.visits).toHaveLength(4);
    web.forgetVisits();
    const answer = await web.ask(web.page(`/to?/to?/to?/to?/image`));
    expect(answer.message).toContain('redirects more than 3 times');
    expect(web.visits).toHaveLength(4);
  });

  it('case 6: the connection goes to the address that was validated, and a name is looked up once', async () => {
    let asked = 0;
    // A rebinding name server: first a public address, then loopback.
    web.on.names.set('rebind.test', () => (asked++ === 0 ? ['192.0.3.1'] : ['127.0.0.1']));
    const dialled = await web.dialledDuring(async () => {
      expect((await web.ask(`http://rebind.test:${web.port}/image`)).status).toBe(400);
    });
    expect(asked).toBe(1);
    // The connection is opened by name, and its lookup returns the validated address.
    expect(dialled).toEqual([{ host: 'rebind.test', port: web.port, addresses: ['192.0.3.1'] }]);
    expect(web.visits).toEqual([]);
    expect((await web.ask(`http://rebind.test:${web.port}/image`)).message).toBe(UNREACHABLE);
    expect(web.visits).toEqual([]);
  });

  it.each([
    ['ftp://images.test/a.png', 'scheme is ftp'],
    ['gopher://images.test/', 'scheme is gopher'],
    ['data:image/png;base64,AAAA', 'scheme is data'],
    ['file:///etc/passwd', 'scheme is file'],
    ['http://images.test:6379/', 'port is 6379'],
    ['https://images.test:22/', 'port is 22'],
  ])('case 7: %s is refused by its %s', async (address, reason) => {
    const answer = await web.askUndialled(address);
    expect(answer).toMatchObject({ status: 400, code: 'image.url_refused' });
    expect(answer.message).toContain(reason);
    expect(answer.message).toMatch(/allowed are/u);
  });

  it('case 7: only hosts of remote_image_domains are looked up, redirects included', async () => {
    const listed = await startFetchingGateway({
      remote_image_domains: 'exact.test,*.below.test',
      remote_image_ports: String(web.port),
    });
    const codeOf = async (address: string) => (await generate(listed.url, { text: tag(address) })).code;
    for (const host of [
      'other.test',
      'a.exact.test',
      'below.test',
      'exact.test.evil.test',
      'notbelow.test',
    ]) {
      expect(await codeOf(`http://${host}:${web.port}/`), host).toBe('image.url_refused');
    }
    expect(listed.lookups).toEqual([]);
    for (const host of ['exact.test', 'a.below.test', 'EXACT.test.', 'b.a.below.test'])
      await codeOf(`http://${host}:${web.port}/`);
    expect(listed.lookups).toEqual(['exact.test', 'a.below.test', 'exact.test', 'b.a.below.test']);
    listed.names.set('other.test', ['93.184.216.34']);
    expect(await codeOf(web.page(`/to?http://other.test:${web.port}/`))).toBe('image.url_refused');
    expect(listed.lookups).not.toContain('other.test');
    await listed.close();
  });
});
