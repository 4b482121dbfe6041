import { describe, expect, it } from 'vitest';
import { nativeDeathIn } from './native-death.js';

describe('nativeDeathIn', () => {
  it.each([
    ['  what():  vk::Device::allocateMemory: ErrorOutOfDeviceMemory', 'native.out_of_memory'],
    ["terminate called after throwing an instance of 'vk::OutOfDeviceMemoryError'", 'native.out_of_memory'],
    ['CUDA error: out of memory', 'native.out_of_memory'],
    ['  what():  std::bad_alloc', 'native.out_of_memory'],
    ['  what():  vk::Queue::submit: ErrorDeviceLost', 'native.device_lost'],
    ['CUDA error: unspecified launch failure', 'native.device_lost'],
  ])('reads %j as %s', (line, code) => expect(nativeDeathIn(line)).toMatchObject({ code }));

  it.each(['', 'warning: 3 MiB of memory', 'ggml_vulkan: Found 1 Vulkan devices'])(
    'reads nothing out of %j',
    (line) => expect(nativeDeathIn(line)).toBeUndefined(),
  );
});
