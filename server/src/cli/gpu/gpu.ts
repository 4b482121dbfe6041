// What `takeoff gpu`, `takeoff gpu install` and `takeoff gpu remove` do: show devices and packages, fetch packages, remove them.
// Devices are asked for in processes of their own, so a broken driver ends none of these commands.
import { CommandError } from '../../errors.js';
import { GPU_BACKENDS, type GpuBackend } from '../../model/device.js';
import { gpuPackagesFolder } from '../../model/gpu-folders.js';
import { bytesText } from '../../model/memory-size.js';
import { gpuBuilds, type GpuBuild } from '../../native/gpu/builds.js';
import { gpuPackages, libraryFolder, platformName, type GpuPackage } from '../../native/gpu/packages.js';
import { probeBuild, type ProbeOutcome } from '../../native/gpu/probe.js';
import { ProgressLine } from '../progress-line.js';
import { alignedLines, type Terminal } from '../terminal.js';
import { installGpuPackage, removeGpuPackage } from './install.js';

export interface GpuPlaces {
  readonly libDir: string | null;
  readonly repositoryPath: string;
}

/** It needs the driver of the card and nothing else. */
const EASIEST: readonly GpuBackend[] = ['vulkan', 'metal'];

interface Asked {
  readonly build: GpuBuild;
  readonly outcome: ProbeOutcome;
}

export async function showGpus(places: GpuPlaces, isJson: boolean, terminal: Terminal): Promise<void> {
  const asked = await askBuilds(places);
  const gpuFolder = gpuPackagesFolder(places.repositoryPath);
  const packages = gpuPackages().map(({ backend, name }) => ({
    backend,
    name,
    folder: libraryFolder(name, gpuFolder) ?? null,
  }));
  const devices = asked.flatMap(({ outcome }) => outcome.devices);
  if (isJson) {
    const complaints = asked.flatMap(({ outcome }) => outcome.complaints);
    terminal.out(`${JSON.stringify({ platform: platformName(), packages, devices, complaints }, null, 2)}\n`);
    return;
  }
  terminal.out(
    alignedLines([
      ...asked.flatMap(linesOf),
      ...packages.map(
        ({ backend, name, folder }) =>
          ['package', `${name}: ${folder ?? `not installed; takeoff gpu install ${backend}`}`] as const,
      ),
      ...(packages.length === 0 ? ([['package', `npm has none for ${platformName()}`]] as const) : []),
      [
        'device: auto',
        devices[0] === undefined ? 'cpu' : `${devices[0].backend} (${devices[0].description})`,
      ],
    ]),
  );
}

const askBuilds = ({ libDir, repositoryPath }: GpuPlaces): Promise<Asked[]> =>
  Promise.all(
    gpuBuilds({ libDir, gpuFolder: gpuPackagesFolder(repositoryPath) }).map(async (build) => ({
      build,
      outcome: await probeBuild(build),
    })),
  );

function linesOf({ build, outcome }: Asked): (readonly [string, string])[] {
  if (outcome.devices.length === 0)
    return [[build.backend, `no device${outcome.complaints.map((line) => `; ${line}`).join('')}`]];
  return outcome.devices.map(({ name, description, freeBytes, totalBytes }) => [
    build.backend,
    `${name}: ${description}, ${bytesText(freeBytes)} of ${bytesText(totalBytes)} free`,
  ]);
}

/** @throws CommandError when there is no such package or npm cannot fetch it */
export async function installGpu(
  wanted: GpuBackend | undefined,
  places: GpuPlaces,
  signal: AbortSignal,
  terminal: Terminal,
): Promise<void> {
  const chosen = choosePackage(wanted);
  const line = new ProgressLine(terminal);
  const gpuFolder = gpuPackagesFolder(places.repositoryPath);
  try {
    const onProgress = (stage: string, fraction: number | null) => line.show(stage, fraction);
    const installed = await installGpuPackage(chosen, { gpuFolder, signal, onProgress });
    line.clear();
    for (const { name, folder, wasThere } of installed)
      terminal.out(`${name} ${wasThere ? 'was installed already' : 'is installed'}: ${folder}\n`);
  } finally {
    line.clear();
  }
  const asked = await askBuilds({ ...places, libDir: null });
  terminal.out(alignedLines(asked.filter(({ build }) => build.backend === chosen.backend).flatMap(linesOf)));
}

/** @throws CommandError when there is no such package */
export async function removeGpu(
  wanted: GpuBackend | undefined,
  places: GpuPlaces,
  terminal: Terminal,
): Promise<void> {
  const gpuFolder = gpuPackagesFolder(places.repositoryPath);
  const chosen = wanted === undefined ? gpuPackages() : [choosePackage(wanted)];
  const removed = (await Promise.all(chosen.map((one) => removeGpuPackage(one, gpuFolder)))).flat();
  terminal.out(
    removed.length === 0 ? `Nothing is installed in ${gpuFolder}.\n` : `${removed.join(', ')} removed.\n`,
  );
}

function choosePackage(wanted: GpuBackend | undefined): GpuPackage {
  const packages = gpuPackages();
  const found = packages.find(({ backend }) =>
    wanted === undefined ? EASIEST.includes(backend) : backend === wanted,
  );
  if (found !== undefined) return found;
  const there = packages.map(({ backend }) => backend).join(', ');
  throw new CommandError(
    'command.incomplete',
    `npm has no llama.cpp with ${wanted ?? GPU_BACKENDS.join(' or ')} for ${platformName()}; allowed here: ${there === '' ? 'none' : there}.`,
  );
}
