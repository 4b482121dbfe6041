// Chooses the device of this machine: chooseDevice with the builds and packages that are really there.
import type { Device } from '../../model/device.js';
import { cpuFolder, gpuBuilds, type BuildPlaces } from './builds.js';
import { chooseDevice, type ChosenDevice } from './choose-device.js';
import { gpuPackages, platformName } from './packages.js';
import { probeBuild } from './probe.js';

/** @throws NativeError native.device_missing, native.library_missing */
export const findDevice = (wanted: Device, places: BuildPlaces): Promise<ChosenDevice> =>
  chooseDevice({
    wanted,
    builds: gpuBuilds(places),
    probe: probeBuild,
    cpuFolder: () => cpuFolder(places.libDir),
    isOverridden: places.libDir !== null,
    packages: gpuPackages(),
    platform: platformName(),
  });

/** For programs that compute on the CPU whatever is there. @throws NativeError native.library_missing */
export const cpuDevice = (libDir: string | null): ChosenDevice => ({
  kind: 'cpu',
  folder: cpuFolder(libDir),
  reason: 'device is cpu',
});
