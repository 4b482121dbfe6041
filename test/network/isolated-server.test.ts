// The real server in a network namespace whose only route leads to an internet of the test, which has every address there is and
// counts each packet. A connection that the server must not open would be answered there, and be seen.
import { Server as HttpServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../harness/running-server.js';
import { generate, tag } from '../hostile/asking.js';
import { photograph } from '../hostile/files/valid.js';
import { PRIVATE_ADDRESSES, PRIVATE_SPELLINGS } from '../hostile/private-hosts.js';
import { imageForm } from '../process/requests.js';
import type { NameServer } from './name-server.js';
import { sayWhyNoNamespaces } from './namespace.js';
import { recordDialled, World } from './world.js';

const PUBLIC = '93.184.216.34';
const PUBLIC_6 = '2606:2800:220:1::1';
/** A proxy in the server's environment, which it must not use. */
const PROXY = 'http://10.8.8.8:80';
const UNREACHABLE = 'text: The image URL could not be fetched: its host cannot be reached.';
const image = new Uint8Array(photograph());

describe.skipIf(sayWhyNoNamespaces())('a server in a network of its own', () => {
  let world: World;
  let names: NameServer;
  let on: RunningServer;
  let off: RunningServer;
  /** Addresses that were dialled in the internet, and inside the server's own namespace. */
  let abroad: string[];
  let atHome: string[];
  let pages: string[];

  beforeAll(async () => {
    world = new World();
    names = await world.nameServer();
    names.set('images.test', [PUBLIC]);
    const web = await world.internet.listen(80);
    const others = [await world.internet.listen(443), await world.internet.listen(22)];
    const site = new HttpServer((request, response) => {
      const { url = '', headers } = request;
      pages.push(`${headers.host}${url}`);
      if (url.startsWith('/to?')) response.writeHead(302, { location: url.slice(4) }).end();
      else response.end(image);
    });
    web.on('connection', (socket) => site.emit('connection', socket));
    abroad = recordDialled(web, ...others);
    atHome = recordDialled(await world.server.listen(80), await world.server.listen(443));
    [on, off] = await Promise.all([
      world.startServer({
        TAKEOFF_ALLOW_REMOTE_IMAGES: 'true',
        NODE_USE_ENV_PROXY: '1',
        http_proxy: PROXY,
        HTTPS_PROXY: PROXY,
      }),
      world.startServer({}),
    ]);
  });
  beforeEach(() => {
    pages = [];
    abroad.length = 0;
    atHome.length = 0;
    names.questions.length = 0;
  });
  afterAll(() => world.remove());

  const ask = (address: string, server = on) => generate(server.url, { text: `${tag(address)} what is it?` });
  /** Packets that the server sent to the internet during `work`. */
  async function packetsOf(work: () => Promise<unknown>): Promise<number> {
    const before = world.packetsSent();
    await work();
    return world.packetsSent() - before;
  }

  // This test comes first, because connections of the others end whenever their closing packets arrive, and would be counted.
  it('case 9: the server sends nothing by itself, at its start or for prompts and uploads', async () => {
    for (const { url } of [on, off]) {
      expect((await generate(url, { text: 'hello' })).status).toBe(200);
      const upload = await fetch(`${url}/image_generate`, {
        method: 'POST',
        body: imageForm(image, { text: 'hello', image_url: 'http://images.test/' }),
      });
      expect(upload.status).toBe(200);
    }
    expect(world.packetsSent()).toBe(0);
    expect(atHome).toEqual([]);
  });

  it.each([
    ['case 2: for private addresses', PRIVATE_ADDRESSES],
    ['case 3: for other spellings of loopback', PRIVATE_SPELLINGS],
  ])('%s no packet leaves and no port of the server itself is dialled', async (_, hosts) => {
    const packets = await packetsOf(async () => {
      for (const url of hosts.flatMap((host) => [`http://${host}/`, `https://${host}/`]))
        expect((await ask(url)).status, url).toBe(400);
    });
    expect(packets).toBe(0);
    expect(names.questions).toEqual([]);
    expect(atHome).toEqual([]);
  });

  it.each([
    ['loopback', ['127.0.0.1']],
    ['the metadata service', ['169.254.169.254']],
    ['a private network', ['10.0.0.1']],
    ['loopback of IPv6', ['::1']],
    ['an IPv4 address inside an IPv6 one', ['::ffff:a9fe:a9fe']],
    ['a public and a private address', [PUBLIC, '10.0.0.1']],
    ['a public and a private address of the other family', [PUBLIC, 'fd00::1']],
    ['no address', []],
  ])(
    'case 3: for a name that resolves to %s nothing but the DNS questions leaves',
    async (what, addresses) => {
      const name = `${what.replaceAll(/\W+/gu, '-').toLowerCase()}.test`;
      names.set(name, addresses);
      const packets = await packetsOf(async () => {
        expect(await ask(`http://${name}/`)).toMatchObject({ status: 400, message: UNREACHABLE });
      });
      expect(names.questions.sort()).toEqual([`A ${name}`, `AAAA ${name}`]);
      expect(packets).toBe(2);
      expect([...abroad, ...atHome]).toEqual([]);
    },
  );

  it('case 1: while allow_remote_images is off not even a DNS question leaves', async () => {
    const packets = await packetsOf(async () => {
      const answer = await ask('http://images.test/', off);
      expect(answer).toMatchObject({ status: 400, code: 'request.remote_images_disabled' });
    });
    expect(packets).toBe(0);
    expect(names.questions).toEqual([]);
  });

  it.each([
    ['127.0.0.1', PUBLIC],
    ['169.254.169.254', PUBLIC],
    ['::1', PUBLIC_6],
    ['10.0.0.1', PUBLIC_6],
  ])(
    'case 6: a name whose second answer is %s is looked up once, and the first answer is dialled',
    async (second, first) => {
      const name = `rebinding-${second.replaceAll(/\W/gu, '-')}.test`;
      names.set(name, [first], [second]);
      expect(await ask(`http://${name}/`)).toMatchObject({ status: 200 });
      expect(names.questions.sort()).toEqual([`A ${name}`, `AAAA ${name}`]);
      expect([...abroad, ...atHome]).toEqual([first]);
      // The next request looks the name up again and validates the new answer.
      expect(await ask(`http://${name}/`)).toMatchObject({ status: 400, message: UNREACHABLE });
      expect(names.questions).toHaveLength(4);
      expect([...abroad, ...atHome]).toEqual([first]);
    },
  );

  it('case 6: a redirect of a host to itself is looked up and validated again', async () => {
    names.set('turning.test', [PUBLIC], ['127.0.0.1']);
    expect(await ask('http://turning.test/to?/again')).toMatchObject({ status: 400, message: UNREACHABLE });
    expect(names.questions).toHaveLength(4);
    expect(pages).toEqual(['turning.test/to?/again']);
    expect([...abroad, ...atHome]).toEqual([PUBLIC]);
  });

  it.each([
    'http://127.0.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    'http://[::ffff:7f00:1]/',
    'http://0x7f.1/',
    'http://localhost/',
    'http://home.test/',
    'http://images.test:22/',
    'ftp://images.test/',
    '//127.0.0.1/',
  ])('case 5: of a redirect to %s only the redirecting host is dialled', async (target) => {
    names.set('home.test', ['127.0.0.1']);
    expect((await ask(`http://images.test/to?${target}`)).status).toBe(400);
    expect(pages).toHaveLength(1);
    expect([...abroad, ...atHome]).toEqual([PUBLIC]);
  });

  it('fetches an image from a host with an IPv6 address only', async () => {
    names.set('six.test', [PUBLIC_6]);
    expect(await ask('http://six.test/')).toMatchObject({ status: 200, text: '\n what is it?' });
    expect(abroad).toEqual([PUBLIC_6]);
  });

  it('could have reached the refused addresses: another program of the namespace does', async () => {
    const reached = [
      ...[
        '10.0.0.1',
        '100.64.0.1',
        '169.254.169.254',
        '172.16.0.1',
        '192.168.0.1',
        '198.18.0.1',
        '240.0.0.1',
      ],
      ...['fd12:3456::1', 'fec0::1', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::', '2001:0:7f00:1::'],
    ];
    const packets = await packetsOf(async () => {
      for (const address of reached) expect(await world.server.dial(address, 80)).toBe('connected');
      for (const address of ['127.0.0.1', '::1', '0.0.0.0', '::ffff:127.0.0.1'])
        expect(await world.server.dial(address, 443)).toBe('connected');
    });
    expect(packets).toBeGreaterThanOrEqual(reached.length * 2);
    // A connection is established for its client before the server sees it.
    await expect.poll(() => abroad).toEqual(reached);
    await expect.poll(() => atHome).toEqual(['127.0.0.1', '::1', '127.0.0.1', '127.0.0.1']);
  });
});
