// Case 4 of docs/security.md with thousands of URLs: the host that is validated is the host that is dialled, and it is the one that
// the URL standard reads. The URLs are put together from parts that parsers are known to read differently.
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import { createFetcher } from 'takeoff-server/gateway/intake/remote/fetcher.js';
import { describe, expect, it } from 'vitest';
import { Random } from '../../harness/random.js';
import { isLongForm } from '../../harness/long-form.js';
import { dialledDuring, type Dialled } from './local-gateway.js';
import { PRIVATE_ADDRESSES, PRIVATE_SPELLINGS } from './private-hosts.js';

const URLS = isLongForm('test:hostile') ? 50_000 : 4000;
/** The address of every name. Connections to it are recorded and not opened. */
const PUBLIC_ADDRESS = '93.184.216.34';
const PORTS = [80, 443, 8080];

/** An oracle: Node's BlockList over ranges that must never be dialled, independent of the server's own validation. */
const forbidden = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
] as const)
  forbidden.ipv4.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['::', 3],
  ['fc00::', 6],
  ['fe80::', 9],
  ['ff00::', 8],
] as const)
  forbidden.ipv6.addSubnet(network, prefix, 'ipv6');

interface Fetched {
  readonly lookups: readonly string[];
  readonly dialled: readonly Dialled[];
  readonly error: unknown;
}

async function tryToFetch(url: string): Promise<Fetched> {
  const lookups: string[] = [];
  const fetcher = createFetcher({
    ports: PORTS,
    resolver: (host) => {
      lookups.push(host);
      return Promise.resolve([PUBLIC_ADDRESS]);
    },
  });
  let error: unknown;
  const dialled = await dialledDuring([], async () => {
    error = await fetcher.fetch(url, new AbortController().signal).catch((reason: unknown) => reason);
  });
  return { lookups, dialled, error };
}

/** Fetches a URL and checks what must hold of any: it is refused, or dialled at the host that the URL standard reads. */
async function expectOneReading(text: string): Promise<'dialled' | 'refused'> {
  const { lookups, dialled, error } = await tryToFetch(text);
  expect(error, text).toMatchObject({
    code: expect.stringMatching(/^image\.(?:url_refused|fetch_failed)$/u) as string,
  });
  if (dialled.length === 0) {
    expect(lookups.length, text).toBeLessThanOrEqual(1);
    return 'refused';
  }
  const { hostname, port, protocol } = new URL(text);
  const host = hostname.replace(/^\[(.*)\]$/u, '$1').replace(/\.$/u, '');
  const isAddress = isIPv4(host) || isIPv6(host);
  expect(dialled, text).toEqual([
    {
      host,
      port: port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port),
      addresses: [isAddress ? host : PUBLIC_ADDRESS],
    },
  ]);
  expect(lookups, text).toEqual(isAddress ? [] : [host]);
  const family = isIPv4(host) ? 'ipv4' : 'ipv6';
  if (isAddress) expect(forbidden[family].check(host, family), text).toBe(false);
  return 'dialled';
}

describe('the fetcher', () => {
  it(`case 4: refuses each of ${URLS} ambiguous URLs or dials the one host that the standard reads`, async () => {
    const random = new Random(1738);
    const outcomes = { dialled: 0, refused: 0 };
    for (let n = 0; n < URLS; n += 1) outcomes[await expectOneReading(anyUrl(random))] += 1;
    // Both outcomes are frequent; otherwise a fetcher that refused everything would pass.
    expect(outcomes.dialled).toBeGreaterThan(URLS / 10);
    expect(outcomes.refused).toBeGreaterThan(URLS / 10);
  }, 300_000);

  it('case 4: dials no private host, wherever in the authority of a URL it stands', async () => {
    for (const host of [...PRIVATE_ADDRESSES, ...PRIVATE_SPELLINGS]) {
      for (const url of [
        `http://${host}/`,
        `https://${host}`,
        `http://${host}:8080/x?y#z`,
        `HTTP://${host}/`,
        `http://a@${host}/`,
        `http://public.test@${host}/`,
        `http://${host}\\@public.test/`,
        `http://public.test\\@${host}/`,
        `http:/${host}/`,
        `http:///${host}/`,
        `//${host}/`,
        `http://${host}#@public.test/`,
        `http://${host}?@public.test/`,
      ])
        expect(await expectOneReading(url), url).toBe('refused');
    }
  }, 60_000);
});

const NAMES = [
  'public.test',
  'EXAMPLE.test',
  'a.b.c.test',
  'x',
  'xn--mnchen-3ya.test',
  'münchen.test',
  '1.2.3.test',
  '-a-.test',
];
const PUBLIC_HOSTS = [
  '93.184.216.34',
  '0x5db8d822',
  '1572395042',
  '93.12113954',
  '[2606:4700::1111]',
  '8.8.8.8.',
];
const SCHEMES = [
  'http',
  'https',
  'HTTP',
  'hTTps',
  'ftp',
  'file',
  'ws',
  'data',
  'javascript',
  'h\u0442tp',
  '',
  'http+unix',
];
const SLASHES = [
  '://',
  '://',
  '://',
  '://',
  '://',
  '://',
  ':/',
  ':',
  ':///',
  ':\\\\',
  ':/\\',
  '//',
  ':// ',
  '%3A//',
  ':\t//',
];
const USERS = [
  '',
  '',
  '',
  '',
  '',
  '',
  'a@',
  'a:b@',
  '@',
  ':@',
  'public.test@',
  'public.test:80@',
  '127.0.0.1@',
  'a%40',
  'a\\@',
];
const PORT_TEXTS = [
  '',
  '',
  '',
  '',
  '',
  ':80',
  ':443',
  ':8080',
  ':',
  ':0080',
  ':22',
  ':65536',
  ':-1',
  ':8O',
  ':８０',
  ':80:80',
  ':+80',
];
const PATHS = [
  '',
  '/',
  '/a.png',
  '/a/../b',
  '?q',
  '#f',
  '/@127.0.0.1/',
  '/\\127.0.0.1',
  ';x',
  '/%00',
  '//127.0.0.1/',
  '\\x',
  '/ä',
];
/** Characters that some parser drops, takes for another one, or takes for the end of a part. */
const ODD = [
  '\t',
  '\n',
  '\r',
  ' ',
  '\0',
  '\\',
  '/',
  '@',
  ':',
  '#',
  '?',
  '%',
  '%2e',
  '%2f',
  '%40',
  '%00',
  '.',
  '。',
  '．',
  '\u00ad',
  '\u200b',
  '\u200d',
  '\u2024',
  '℀',
  'ª',
  '⑴',
  '[',
  ']',
  '<',
  '^',
  '|',
  '\ud800',
  '\ufeff',
  'İ',
  'ß',
];

function anyUrl(random: Random): string {
  const hosts = random.pick([
    NAMES,
    NAMES,
    NAMES,
    PUBLIC_HOSTS,
    PUBLIC_HOSTS,
    PRIVATE_ADDRESSES,
    PRIVATE_SPELLINGS,
  ]);
  const parts = [SCHEMES, SLASHES, USERS, hosts, PORT_TEXTS, PATHS];
  // Most parts are usual ones, so that parsing gets as far as the unusual ones.
  const usual = ['http', '://', '', random.pick(hosts), '', '/'];
  let url = parts.map((choices, i) => (random.below(3) > 0 ? usual[i]! : random.pick(choices))).join('');
  for (let odd = random.below(4); odd > 2; odd -= 1) {
    const at = random.below(url.length + 1);
    url = url.slice(0, at) + random.pick(ODD) + url.slice(at);
  }
  return url;
}
