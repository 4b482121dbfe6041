import { describe, expect, it } from 'vitest';
import { readerEnvironment } from './reader-environment.js';

describe('readerEnvironment', () => {
  it('has drivers keep what they compile beside the converted models', () => {
    const environment = readerEnvironment({ repositoryPath: '/cache' }, { HOME: '/home/me' });
    expect(environment).toMatchObject({ HOME: '/home/me', MESA_SHADER_CACHE_DIR: '/cache/gpu/shaders' });
  });

  it('leaves variables as they are that the operator has set', () => {
    const own = { MESA_SHADER_CACHE_DIR: '/mine' };
    expect(readerEnvironment({ repositoryPath: '/cache' }, own)).toMatchObject(own);
  });
});
