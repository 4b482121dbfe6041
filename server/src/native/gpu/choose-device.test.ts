import { describe, expect, it } from 'vitest';
import { NativeError } from '../../errors.js';
import type { Device, GpuBackend } from '../../model/device.js';
import type { GpuBuild } from './builds.js';
import { chooseDevice, describeChoice, type ChosenDevice } from './choose-device.js';
import type { GpuDevice } from './gpu-devices.js';
import { gpuPackages } from './packages.js';
import type { ProbeOutcome } from './probe.js';

const GIB = 2 ** 30;
const NO_CUBLAS = 'libcublas.so.13: cannot open shared object file';

const build = (backend: GpuBackend, over: Partial<GpuBuild> = {}): GpuBuild => ({
  backend,
  folder: `/packages/${backend}`,
  backendFile: `/packages/${backend}/libggml-${backend}.so`,
  fallbackFile: null,
  origin: `the package ${backend}`,
  ...over,
});
const card = (backend: GpuBackend): GpuDevice => ({
  name: `${backend}0`,
  description: 'a card',
  backend,
  freeBytes: 7 * GIB,
  totalBytes: 8 * GIB,
});
const finds = (backend: GpuBackend, usesFallback = false): ProbeOutcome => ({
  devices: [card(backend)],
  usesFallback,
  complaints: [],
});
const findsNothing = (...complaints: string[]): ProbeOutcome => ({
  devices: [],
  usesFallback: false,
  complaints,
});

interface Machine {
  readonly builds?: readonly GpuBuild[];
  readonly outcomes?: Partial<Record<GpuBackend, ProbeOutcome>>;
  readonly platform?: string;
  readonly isOverridden?: boolean;
}

function choose(wanted: Device, machine: Machine = {}) {
  const { builds = [], outcomes = {}, platform = 'linux-x64', isOverridden = false } = machine;
  const probed: GpuBackend[] = [];
  const chosen = chooseDevice({
    wanted,
    builds,
    probe: ({ backend }) => {
      probed.push(backend);
      return Promise.resolve(outcomes[backend] ?? findsNothing());
    },
    cpuFolder: () => '/packages/cpu',
    isOverridden,
    packages: gpuPackages(platform),
    platform,
  });
  return { chosen, probed };
}

async function refusal(chosen: Promise<ChosenDevice>): Promise<string> {
  const error: unknown = await chosen.catch((reason: unknown) => reason);
  if (!(error instanceof NativeError)) throw new TypeError('The device was taken.');
  expect(error.code).toBe('native.device_missing');
  return error.message;
}

const BOTH = [build('cuda'), build('vulkan')];

describe('device: cpu', () => {
  it('asks no driver, whatever is installed', async () => {
    const { chosen, probed } = choose('cpu', { builds: BOTH, outcomes: { cuda: finds('cuda') } });
    expect(await chosen).toEqual({ kind: 'cpu', folder: '/packages/cpu', reason: 'device is cpu' });
    expect(probed).toEqual([]);
  });
});

describe('device: auto', () => {
  it('is the CPU without asking any driver where no package for GPUs is installed', async () => {
    const { chosen, probed } = choose('auto');
    expect(await chosen).toMatchObject({ kind: 'cpu', folder: '/packages/cpu' });
    expect(describeChoice(await chosen)).toBe(
      'device: cpu, because no GPU build of llama.cpp is installed ("npx takeoff gpu" shows what would help)',
    );
    expect(probed).toEqual([]);
  });

  it('says so where npm has no package for GPUs of the platform', async () => {
    expect(await choose('auto', { platform: 'linux-arm64' }).chosen).toMatchObject({
      reason: 'npm has no GPU build of llama.cpp for linux-arm64',
    });
  });

  it('takes the first build that finds a device, and asks no further one', async () => {
    const outcomes = { cuda: finds('cuda'), vulkan: finds('vulkan') };
    const { chosen, probed } = choose('auto', { builds: BOTH, outcomes });
    expect(describeChoice(await chosen)).toBe(
      'device: cuda, cuda0 (a card), because it is the first that works of what is installed; libraries of the package cuda',
    );
    expect(probed).toEqual(['cuda']);
  });

  it('passes over a build whose driver is missing', async () => {
    const outcomes = { cuda: findsNothing(NO_CUBLAS), vulkan: finds('vulkan') };
    expect(await choose('auto', { builds: BOTH, outcomes }).chosen).toMatchObject({ backend: 'vulkan' });
  });

  it('falls back to the CPU with the reasons of all builds', async () => {
    const outcomes = { cuda: findsNothing(NO_CUBLAS) };
    expect(await choose('auto', { builds: BOTH, outcomes }).chosen).toEqual({
      kind: 'cpu',
      folder: '/packages/cpu',
      reason: `the package cuda finds no cuda device: ${NO_CUBLAS}. the package vulkan finds no vulkan device`,
    });
  });

  it('loads the fallback of a package only where its own backend did not load', async () => {
    const builds = [build('cuda', { fallbackFile: '/ext/libggml-cuda.so' })];
    const own = choose('auto', { builds, outcomes: { cuda: finds('cuda') } });
    expect(await own.chosen).toMatchObject({ fallbackFile: null });
    const old = choose('auto', { builds, outcomes: { cuda: finds('cuda', true) } });
    expect(await old.chosen).toMatchObject({ fallbackFile: '/ext/libggml-cuda.so' });
  });
});

describe('a device that is named', () => {
  it('is taken although a better one is there', async () => {
    const outcomes = { cuda: finds('cuda'), vulkan: finds('vulkan') };
    const { chosen, probed } = choose('vulkan', { builds: BOTH, outcomes });
    expect(await chosen).toMatchObject({ kind: 'gpu', backend: 'vulkan', folder: '/packages/vulkan' });
    expect(probed).toEqual(['vulkan']);
  });

  it('is refused with the command that installs its package', async () => {
    expect(await refusal(choose('cuda').chosen)).toContain('"npx takeoff gpu install cuda" fetches it');
  });

  it('is refused with what the system says of its libraries, and what would help', async () => {
    const sentence = await refusal(
      choose('cuda', { builds: BOTH, outcomes: { cuda: findsNothing(NO_CUBLAS) } }).chosen,
    );
    expect(sentence).toContain(NO_CUBLAS);
    expect(sentence).toContain('CUDA 13 runtime');
  });

  it('is refused where its driver offers no device', async () => {
    const sentence = await refusal(choose('vulkan', { builds: BOTH }).chosen);
    expect(sentence).toContain('the package vulkan finds no vulkan device. The driver of the card');
  });

  it('is refused with what there is instead where npm has none for the platform', async () => {
    expect(await refusal(choose('metal').chosen)).toContain(
      'npm has no llama.cpp with it for linux-x64, only with cuda, vulkan.',
    );
  });

  it('is refused where the folder of llama_lib_dir has no backend for it', async () => {
    expect(await refusal(choose('vulkan', { isOverridden: true }).chosen)).toContain(
      'the folder of llama_lib_dir has no backend for it',
    );
  });
});
