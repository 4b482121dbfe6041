import { describe, expect, it } from 'vitest';
import { resolveConfig } from '../config/resolve-config.js';
import { startBanner, urlOf } from './banner.js';

const config = (environment: Readonly<Record<string, string>>) =>
  resolveConfig({
    flags: new Map(),
    environment,
    file: undefined,
    surroundings: { cacheFolder: '/cache', demoModelFolder: '/demo', newReaderId: () => 'id' },
  });

describe('startBanner', () => {
  it('names the open ports, the model and its consumer group', () => {
    const text = startBanner(
      config({ TAKEOFF_MODEL_NAME: '/m' }),
      { port: 4000, managementPort: 4001, openaiPort: 4003, scalerPort: null },
      '1.2.3',
    );
    expect(text).toContain('Takeoff 1.2.3');
    expect(text).toContain('http://127.0.0.1:4000');
    expect(text).toContain('http://127.0.0.1:4001');
    expect(text).toContain('http://127.0.0.1:4003/v1');
    expect(text).toContain('/m (group primary)');
  });

  it('names no model where prompts are echoed', () => {
    const text = startBanner(
      config({ TAKEOFF_MODEL_NAME: '/m', TAKEOFF_ECHO: 'true' }),
      { port: 1, managementPort: 2, openaiPort: 3, scalerPort: null },
      '1',
    );
    expect(text).toMatch(/model +echo of the prompt \(group primary\)/u);
    expect(text).not.toContain('/m');
  });

  it('says where the readers are of a server that has none, and no password', () => {
    const text = startBanner(
      config({ TAKEOFF_REDIS_URL: 'redis://name:secret@queue.internal:6380' }),
      { port: 1, managementPort: 2, openaiPort: 3, scalerPort: null },
      '1',
    );
    expect(text).toMatch(/readers +on other machines, joined by Redis at queue\.internal:6380/u);
    expect(text).not.toMatch(/secret|model/u);
  });

  it('names the port of the autoscaler where there is one', () => {
    const ports = { port: 1, managementPort: 2, openaiPort: 3, scalerPort: 3005 };
    expect(startBanner(config({}), ports, '1')).toMatch(/autoscaler +KEDA's, over gRPC on port 3005/u);
    expect(startBanner(config({}), { ...ports, scalerPort: null }, '1')).not.toContain('autoscaler');
  });

  it('says that the management port is off where it is not opened', () => {
    const ports = { port: 1, managementPort: null, openaiPort: 3, scalerPort: null };
    expect(startBanner(config({}), ports, '1')).toMatch(/management +off/u);
  });

  it('names the inference port for the OpenAI API where that has no port of its own', () => {
    const ports = { port: 7, managementPort: 2, openaiPort: null, scalerPort: null };
    expect(startBanner(config({}), ports, '1')).toMatch(/openai +on the inference port, .*:7\/v1/u);
  });

  it('says whether other machines can reach the server', () => {
    const ports = { port: 1, managementPort: 2, openaiPort: 3, scalerPort: null };
    expect(startBanner(config({}), ports, '1')).toContain('from this machine only');
    expect(startBanner(config({ TAKEOFF_HOST: '0.0.0.0' }), ports, '1')).toContain('on 0.0.0.0');
  });
});

describe('the line of startBanner about the page', () => {
  const ports = { port: 7, managementPort: 2, openaiPort: null, scalerPort: null };

  it('has the address that a browser opens', () => {
    expect(startBanner(config({}), ports, '1')).toMatch(/^ {2}page +http:\/\/127\.0\.0\.1:7$/mu);
  });

  it('says that the page is off where it is not served', () => {
    expect(startBanner(config({ TAKEOFF_PLAYGROUND: 'false' }), ports, '1')).toMatch(/^ {2}page +off$/mu);
  });
});

describe('urlOf', () => {
  it.each([
    ['127.0.0.1', 'http://127.0.0.1:80'],
    ['0.0.0.0', 'http://localhost:80'],
    ['::', 'http://localhost:80'],
    ['::1', 'http://[::1]:80'],
    ['box.local', 'http://box.local:80'],
  ])('makes an address of the host %s that a browser can open', (host, url) =>
    expect(urlOf(host, 80)).toBe(url),
  );
});
