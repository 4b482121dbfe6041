import { afterEach, describe, expect, it } from 'vitest';
import { fastify } from 'fastify';
import { describedPorts, documentOf, PORTS, type DescribedPorts } from '../described-ports.fixture.js';
import { collectRoutes } from './described-routes.js';

let ports: DescribedPorts | undefined;
afterEach(async () => {
  await ports?.close();
  ports = undefined;
});

describe('/docs', () => {
  it('is a document and a stylesheet at relative addresses, under a policy that allows no script', async () => {
    ports = await describedPorts();
    for (const port of PORTS) {
      const { statusCode, payload, headers } = await ports.apps[port].inject('/docs');
      expect([port, statusCode, headers['content-type']]).toEqual([port, 200, 'text/html; charset=utf-8']);
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'self'; /u);
      expect(payload).not.toMatch(/<script|\sstyle=|\son\w+=|(?:src|href)="(?:\/|https?:)/iu);
      const style = await ports.apps[port].inject('/docs.css');
      expect([port, style.statusCode]).toEqual([port, 200]);
      expect(style.payload).not.toContain('url(');
    }
  });

  it('is asked for again at each visit, and sent again when it has changed', async () => {
    ports = await describedPorts();
    const { headers } = await ports.apps.openai.inject('/docs');
    expect(headers['cache-control']).toBe('no-cache');
    const again = { url: '/docs', headers: { 'if-none-match': String(headers.etag) } };
    expect((await ports.apps.openai.inject(again)).statusCode).toBe(304);
  });
});

describe('the description of a port', () => {
  it('answers without the API key, and says what asks for it', async () => {
    ports = await describedPorts({ apiKey: 'secret' });
    for (const port of PORTS) {
      const document = await documentOf(ports.apps[port]);
      expect([port, document.security]).toEqual([port, [{ apiKey: [] }, { apiKeyHeader: [] }]]);
      expect(document.paths['/healthz']?.['get']?.security).toEqual([]);
      for (const url of ['/docs', '/docs.css'])
        expect([url, (await ports.apps[port].inject(url)).statusCode]).toEqual([url, 200]);
    }
  });

  it('asks for no key where the server has none', async () => {
    ports = await describedPorts();
    expect((await documentOf(ports.apps.inference)).security).toEqual([]);
  });

  it('keeps a route out that does not describe itself', () => {
    const app = fastify();
    collectRoutes(app);
    expect(() => app.get('/secret', () => '')).toThrow(
      'The route GET /secret has no operation in its config',
    );
  });
});
