// Remote images over https, through the real server in a network namespace: which certificates are accepted, and the exact image
// tag of Takeoff's documentation, against a server of the test behind its host name.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import os from 'node:os';
import path from 'node:path';
import { createSecureContext, type SecureContext } from 'node:tls';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RunningServer } from '../../harness/running-server.js';
import { generate, tag } from '../hostile/asking.js';
import { photograph } from '../hostile/files/valid.js';
import { type Certificate, makeAuthority } from '../../harness/certificates.js';
import { sayWhyNoNamespaces } from './namespace.js';
import { recordDialled, World } from './world.js';

const authority = makeAuthority('Known authority');
const CERTIFICATES: Readonly<Record<string, Certificate>> = {
  'picsum.photos': authority.issue('picsum.photos'),
  'fastly.picsum.photos': authority.issue('fastly.picsum.photos'),
  'other-name.test': authority.issue('somebody-else.test'),
  'ended.test': authority.issue('ended.test', -1),
  'unknown-authority.test': makeAuthority('Unknown authority').issue('unknown-authority.test'),
  'self-signed.test': makeAuthority('self-signed.test'),
};
const ADDRESSES: Readonly<Record<string, string>> = {
  'picsum.photos': '104.26.5.30',
  'fastly.picsum.photos': '151.101.1.91',
};
const PUBLIC = '93.184.216.34';
const FINAL =
  'https://fastly.picsum.photos/id/237/200/300.jpg?hmac=TmmQSbShHz9CdQm0NkEjx1Dyh_Y984R9LpNrpvH2D_U';
const EXAMPLE = { text: '<image:https://picsum.photos/id/237/200/300> \n Describe this image to me.' };

describe.skipIf(sayWhyNoNamespaces())('a server that fetches images over https', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'takeoff-authority-'));
  let world: World;
  let on: RunningServer;
  let unaware: RunningServer;
  let off: RunningServer;
  let dialled: string[];
  let pages: string[];

  beforeAll(async () => {
    world = new World();
    const names = await world.nameServer();
    for (const host of Object.keys(CERTIFICATES)) names.set(host, [ADDRESSES[host] ?? PUBLIC]);
    const port = await world.internet.listen(443);
    const site = createServer(
      { SNICallback: (host, done) => done(null, contextOf(host)) },
      (request, response) => {
        const url = `https://${request.headers.host}${request.url}`;
        pages.push(url);
        if (url === 'https://picsum.photos/id/237/200/300')
          response.writeHead(302, { location: FINAL }).end();
        else response.end(photograph());
      },
    );
    port.on('connection', (socket) => site.emit('connection', socket));
    dialled = recordDialled(port);
    const known = path.join(folder, 'authority.pem');
    writeFileSync(known, authority.certificatePem);
    const allowed = { TAKEOFF_ALLOW_REMOTE_IMAGES: 'true' };
    [on, unaware, off] = await Promise.all([
      world.startServer({ ...allowed, NODE_EXTRA_CA_CERTS: known }),
      world.startServer(allowed),
      world.startServer({ NODE_EXTRA_CA_CERTS: known }),
    ]);
  });
  beforeEach(() => {
    pages = [];
    dialled.length = 0;
  });
  afterAll(async () => {
    await world.remove();
    rmSync(folder, { recursive: true });
  });

  it('case 5: fetches the image of the documented tag, which is redirected to another public host', async () => {
    // The echo reader answers with the text of its prompt.
    expect(await generate(on.url, EXAMPLE)).toMatchObject({
      status: 200,
      text: ' \n Describe this image to me.',
    });
    expect(pages).toEqual(['https://picsum.photos/id/237/200/300', FINAL]);
    expect(dialled).toEqual(['104.26.5.30', '151.101.1.91']);
  });

  it('case 1: refuses the documented tag while allow_remote_images is off, its default', async () => {
    const answer = await generate(off.url, EXAMPLE);
    expect(answer).toMatchObject({ status: 400, code: 'request.remote_images_disabled' });
    expect(answer.message).toContain('allow_remote_images');
    expect(dialled).toEqual([]);
  });

  it.each([
    ['of an unknown authority', 'unknown-authority.test'],
    ['that signs itself', 'self-signed.test'],
    ['for another name', 'other-name.test'],
    ['that has expired', 'ended.test'],
  ])('refuses a certificate %s before it sends a request', async (_, host) => {
    const answer = await generate(on.url, { text: tag(`https://${host}/`) });
    expect(answer).toMatchObject({ status: 400, code: 'image.fetch_failed' });
    expect(dialled).toEqual([PUBLIC]);
    expect(pages).toEqual([]);
  });

  it('accepts an authority of the operator only if NODE_EXTRA_CA_CERTS names it', async () => {
    expect((await generate(unaware.url, EXAMPLE)).code).toBe('image.fetch_failed');
    expect(pages).toEqual([]);
    expect((await generate(on.url, EXAMPLE)).status).toBe(200);
  });
});

const contexts = new Map<string, SecureContext>();
function contextOf(host: string): SecureContext {
  const { certificatePem: cert = '', keyPem: key = '' } = CERTIFICATES[host] ?? {};
  const context = contexts.get(host) ?? createSecureContext({ cert, key });
  contexts.set(host, context);
  return context;
}
