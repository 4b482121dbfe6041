import { describe, expect, it } from 'vitest';
import { ConfigError, NativeError } from '../../errors.js';
import { placeModel, type PlacementDemand } from './placement.js';

const GIB = 2 ** 30;
const MIB = 2 ** 20;

const device = (freeGib: number, name = 'CUDA0') => ({
  name,
  freeBytes: freeGib * GIB,
  totalBytes: 80 * GIB,
});

/** LLaVA 1.5 7b in f16. */
const SEVEN_B: PlacementDemand = {
  devices: [device(79)],
  hostFreeBytes: 64 * GIB,
  gpuLayers: 'auto',
  layerBytes: Array.from({ length: 32 }, () => 386 * MIB),
  outputBytes: 250 * MIB,
  towerBytes: 800 * MIB,
  activationBytes: 200 * MIB,
  bytesPerCell: 512 * 1024,
  maskBytesPerCell: 3072,
  contextTokens: 4096,
  maxSequences: 8,
  pageCacheSize: null,
  kvHalvings: 0,
};
const place = (over: Partial<PlacementDemand>) => placeModel({ ...SEVEN_B, ...over });
const refusal = (over: Partial<PlacementDemand>): unknown => {
  try {
    place(over);
  } catch (error) {
    return error;
  }
  throw new TypeError('The model was placed.');
};

describe('placeModel', () => {
  it('puts all layers on a device with room, and a cache for all sequences at full length', () => {
    const placed = place({});
    expect(placed).toMatchObject({ gpuLayers: 33, cells: 8 * 4096 });
    expect(placed.explanation).toBe(
      'placement: all 33 layers (12.3 GiB) on CUDA0; tower (800.0 MiB with its activations) on CUDA0; 32768 KV cells (16.0 GiB); free before: 79.0 GiB of 80.0 GiB',
    );
  });

  it('gives the cache what is left where that is less than all sequences at full length', () => {
    const { gpuLayers, cells } = place({ devices: [device(24)] });
    expect(gpuLayers).toBe(33);
    expect(cells).toBeGreaterThanOrEqual(4096);
    expect(cells).toBeLessThan(8 * 4096);
    expect(cells % 256).toBe(0);
  });

  it('never asks for more memory than is free', () => {
    for (const free of [6, 8, 12, 16, 20, 24, 32, 48]) {
      const { gpuLayers, cells } = place({ devices: [device(free)] });
      const layers = gpuLayers === 0 ? 0 : (gpuLayers - 1) * 386 * MIB + 250 * MIB;
      const cache = cells * ((512 * 1024 * Math.max(0, gpuLayers - 1)) / 32 + 3072);
      expect(layers + cache + 1000 * MIB, `${free} GiB`).toBeLessThanOrEqual((free - 4) * GIB);
    }
  });

  it('leaves layers to the processor where not all fit beside one sequence, and says how many', () => {
    const placed = place({ devices: [device(12)] });
    expect(placed.gpuLayers).toBeGreaterThan(5);
    expect(placed.gpuLayers).toBeLessThan(33);
    expect(placed.explanation).toContain(`${placed.gpuLayers} of 33 layers`);
    expect(placed.explanation).toContain('the others on the processor');
  });

  it('leaves the whole language model to the processor where no layer fits beside the tower', () => {
    expect(place({ devices: [device(5.1)] })).toMatchObject({ gpuLayers: 0 });
  });

  it('refuses a device without room for the tower, with what it needs', () => {
    const error = refusal({ devices: [device(4)] });
    expect(error).toBeInstanceOf(NativeError);
    expect(error).toMatchObject({ code: 'native.out_of_memory' });
    expect(String(error)).toContain(
      'CUDA0 has 4.0 GiB free; the vision tower and a step of the language model need 1000.0 MiB, and 4.0 GiB are left for the driver.',
    );
  });

  it('takes the number of layers that is set, up to all', () => {
    expect(place({ gpuLayers: 10 }).gpuLayers).toBe(10);
    expect(place({ gpuLayers: 999 }).gpuLayers).toBe(33);
    expect(place({ gpuLayers: 0 }).gpuLayers).toBe(0);
  });

  it('refuses more layers than fit, with the number that does', () => {
    const error = refusal({ devices: [device(12)], gpuLayers: 33 });
    expect(error).toMatchObject({ code: 'native.out_of_memory' });
    expect(String(error)).toMatch(/gpu_layers is 33: 33 layers .* need 14\.\d GiB, .* 1\d layers fit/u);
  });

  it('splits over several devices by their memory, the tower counted on the first', () => {
    const devices = [device(24), device(24, 'CUDA1')];
    const { gpuLayers, tensorSplit, explanation } = place({ devices });
    expect(gpuLayers).toBe(33);
    const [first = 0, second = 0] = tensorSplit;
    expect(second - first).toBe(800 * MIB);
    expect(explanation).toContain('on CUDA0 and CUDA1, split by layers');
  });

  it('halves the cache for each time that memory ran out, down to one sequence', () => {
    expect(place({ kvHalvings: 1 }).cells).toBe(4 * 4096);
    expect(place({ kvHalvings: 2 }).cells).toBe(2 * 4096);
    expect(place({ kvHalvings: 9 }).cells).toBe(4096);
    expect(place({ kvHalvings: 2 }).explanation).toContain('fewer because memory ran out 2 times');
  });

  it('gives the cache the memory that page_cache_size allows, shares being of the devices', () => {
    expect(place({ pageCacheSize: 4 * GIB }).cells).toBe(8192);
    expect(place({ pageCacheSize: '10%' }).cells).toBe(16128);
  });

  it('refuses a page_cache_size without room for one sequence', () => {
    expect(refusal({ pageCacheSize: GIB })).toBeInstanceOf(ConfigError);
  });
});
