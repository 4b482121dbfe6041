import { describe, expect, it } from 'vitest';
import { readerEnvironment } from './reader-environment.js';

describe('readerEnvironment', () => {
  it('has drivers keep what they compile beside the converted models', () => {
    const environment = readerEnvironment(
      { repositoryPath: '/cache', cudaVisibleDevices: null },
      { HOME: '/home/me' },
    );
    expect(environment).toMatchObject({ HOME: '/home/me', MESA_SHADER_CACHE_DIR: '/cache/gpu/shaders' });
  });

  it('leaves variables as they are that the operator has set', () => {
    const own = { MESA_SHADER_CACHE_DIR: '/mine' };
    expect(readerEnvironment({ repositoryPath: '/cache', cudaVisibleDevices: null }, own)).toMatchObject(own);
  });

  it('shows the reader the cards of its setting alone, whatever the operator shows to all', () => {
    const own = { CUDA_VISIBLE_DEVICES: '0,1' };
    expect(readerEnvironment({ repositoryPath: '/cache', cudaVisibleDevices: '1' }, own)).toMatchObject({
      CUDA_VISIBLE_DEVICES: '1',
      GGML_VK_VISIBLE_DEVICES: '1',
    });
  });
});
