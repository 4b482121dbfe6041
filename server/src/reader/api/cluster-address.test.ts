import { describe, expect, it } from 'vitest';
import { apiBaseOf, endpointOf, siblingOf } from './cluster-address.js';

describe('where the endpoints of a cluster are', () => {
  it.each([
    ['http://host:8000', 'http://host:8000/v1/models'],
    ['http://host:8000/', 'http://host:8000/v1/models'],
    ['http://host:8000/v1', 'http://host:8000/v1/models'],
    ['https://host/openai/v1/', 'https://host/openai/v1/models'],
    ['https://host/api/v3', 'https://host/api/v3/models'],
  ])('of %s: %s', (url, models) => {
    expect(endpointOf(apiBaseOf(url), '/models').href).toBe(models);
  });

  it('are at the root of the host for what is no part of the API', () => {
    expect(siblingOf(apiBaseOf('https://host/openai/v1/'), '/health').href).toBe('https://host/health');
  });
});
