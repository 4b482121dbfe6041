// Which device a model computes on, and why: the one that was asked for, or the best that is there. Pure but for the probe that it
// is handed. A device that was named and cannot be used is refused with what is missing and what would help.
import { NativeError } from '../../errors.js';
import type { Device, GpuBackend } from '../../model/device.js';
import type { GpuBuild } from './builds.js';
import type { GpuDevice } from './gpu-devices.js';
import type { GpuPackage } from './packages.js';
import type { ProbeOutcome } from './probe.js';

export type ChosenDevice =
  | { readonly kind: 'cpu'; readonly folder: string; readonly reason: string }
  | {
      readonly kind: 'gpu';
      readonly backend: GpuBackend;
      readonly folder: string;
      /** Loaded beside the backends of the folder; null where those suffice. */
      readonly fallbackFile: string | null;
      /** At least one; as they were found, with the memory that was free then. */
      readonly devices: readonly GpuDevice[];
      readonly reason: string;
    };

export interface ChoiceOptions {
  readonly wanted: Device;
  /** Builds with a backend for GPUs, the best first. */
  readonly builds: readonly GpuBuild[];
  readonly probe: (build: GpuBuild) => Promise<ProbeOutcome>;
  /** Folder of the build for CPUs. @throws NativeError when there is none */
  readonly cpuFolder: () => string;
  /** Whether llama_lib_dir names the only build that counts. */
  readonly isOverridden: boolean;
  /** Packages of this platform. */
  readonly packages: readonly GpuPackage[];
  readonly platform: string;
}

/** @throws NativeError native.device_missing, native.library_missing */
export async function chooseDevice(options: ChoiceOptions): Promise<ChosenDevice> {
  const { wanted, builds, cpuFolder } = options;
  if (wanted === 'cpu') return { kind: 'cpu', folder: cpuFolder(), reason: 'device is cpu' };
  const failures: string[] = [];
  for (const build of builds.filter(({ backend }) => wanted === 'auto' || wanted === backend)) {
    const outcome = await options.probe(build);
    if (outcome.devices.length > 0) return onGpu(wanted, build, outcome);
    failures.push(describeFailure(build, outcome));
  }
  if (wanted !== 'auto') throw new NativeError('native.device_missing', refusal(wanted, failures, options));
  return { kind: 'cpu', folder: cpuFolder(), reason: whyNoGpu(failures, options) };
}

function onGpu(wanted: Device, build: GpuBuild, { devices, usesFallback }: ProbeOutcome): ChosenDevice {
  const { backend, folder, fallbackFile, origin } = build;
  const why = wanted === 'auto' ? 'it is the first that works of what is installed' : `device is ${wanted}`;
  return {
    kind: 'gpu',
    backend,
    folder,
    fallbackFile: usesFallback ? fallbackFile : null,
    devices,
    reason: `${why}; libraries of ${origin}${usesFallback ? ', for older drivers' : ''}`,
  };
}

const describeFailure = ({ origin, backend }: GpuBuild, { complaints }: ProbeOutcome): string =>
  `${origin} finds no ${backend} device${complaints.length === 0 ? '' : `: ${complaints.join('; ')}`}`;

const installCommand = (backend: GpuBackend): string => `npx takeoff gpu install ${backend}`;

function whyNoGpu(failures: readonly string[], { packages, platform, isOverridden }: ChoiceOptions): string {
  if (failures.length > 0) return failures.join('. ');
  if (isOverridden) return 'the folder of llama_lib_dir has no backend for a GPU';
  const [first] = packages;
  if (first === undefined) return `npm has no GPU build of llama.cpp for ${platform}`;
  return `no GPU build of llama.cpp is installed ("npx takeoff gpu" shows what would help)`;
}

const DRIVER_HINTS: Readonly<Record<GpuBackend, string>> = {
  cuda:
    "libcuda is NVIDIA's driver; libcudart and libcublas belong to the CUDA 13 runtime, or to CUDA 12 with the fallback that " +
    '"npx takeoff gpu install cuda" brings along. vulkan needs the driver alone.',
  vulkan:
    'The driver of the card brings its part of Vulkan along, and the system has the loader (libvulkan1 on Debian and Ubuntu); ' +
    'vulkaninfo --summary lists what it finds. Software drivers count only where GGML_VK_VISIBLE_DEVICES names them.',
  metal: 'It needs macOS on Apple silicon.',
};
const OTHERWISE = 'device auto takes what is there.';

function refusal(
  wanted: GpuBackend,
  failures: readonly string[],
  { packages, platform, isOverridden }: ChoiceOptions,
): string {
  if (failures.length > 0)
    return `device is ${wanted}, but ${failures.join('. ')}. ${DRIVER_HINTS[wanted]} ${OTHERWISE}`;
  if (isOverridden)
    return `device is ${wanted}, but the folder of llama_lib_dir has no backend for it. ${OTHERWISE}`;
  if (packages.some(({ backend }) => backend === wanted))
    return `device is ${wanted}, but no build of llama.cpp for it is installed: "${installCommand(wanted)}" fetches it. ${OTHERWISE}`;
  const others = packages.map(({ backend }) => backend).join(', ');
  return (
    `device is ${wanted}, but npm has no llama.cpp with it for ${platform}${others === '' ? '' : `, only with ${others}`}. ` +
    `llama_lib_dir may name a build of your own. ${OTHERWISE}`
  );
}

/** One line for the log. */
export function describeChoice(chosen: ChosenDevice): string {
  if (chosen.kind === 'cpu') return `device: cpu, because ${chosen.reason}`;
  const cards = chosen.devices.map(({ name, description }) => `${name} (${description})`).join(', ');
  return `device: ${chosen.backend}, ${cards}, because ${chosen.reason}`;
}
