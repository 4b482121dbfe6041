// `takeoff doctor`: what the native side finds on this machine, as aligned lines or JSON. It loads the native library into its
// own process, so program.ts imports this file only when the command runs.
import type { Device } from '../model/device.js';
import { gpuPackagesFolder } from '../model/gpu-folders.js';
import { findDevice } from '../native/gpu/find-device.js';
import { describeGain } from '../native/kernels/gain.js';
import { inspectRuntime, type RuntimeReport } from '../native/inspect.js';
import { bytesText } from '../model/memory-size.js';
import { alignedLines, type Terminal } from './terminal.js';

export interface DoctorOptions {
  readonly libDir: string | null;
  readonly device: Device;
  readonly repositoryPath: string;
  readonly isJson: boolean;
}

/** @throws NativeError when the libraries are missing or do not match */
export async function doctor(options: DoctorOptions, terminal: Terminal): Promise<void> {
  const { libDir, device, repositoryPath, isJson } = options;
  const gpuFolder = gpuPackagesFolder(repositoryPath);
  const report = await inspectRuntime(await findDevice(device, { libDir, gpuFolder }));
  terminal.out(
    isJson ? `${JSON.stringify({ ...nodeFacts(), ...report }, null, 2)}\n` : describeRuntime(report),
  );
}

const nodeFacts = () => ({
  nodeVersion: process.version,
  platform: `${process.platform}-${process.arch}`,
});

export function describeRuntime(report: RuntimeReport): string {
  const { nodeVersion, platform } = nodeFacts();
  return alignedLines([
    ['node', `${nodeVersion} on ${platform}`],
    ['llama.cpp', report.llamaCppVersion],
    ['libraries', report.libraryFolder],
    ['CPU backend', report.cpuBackend ?? 'built in'],
    ['CPU features', report.cpuFeatures.join(' ')],
    ['kernels', report.kernels],
    ...(report.kernelGain === null ? [] : [['kernels gain', describeGain(report.kernelGain)] as const]),
    ...report.devices.map(
      ({ name, description, memoryBytes }) =>
        ['device', `${name}: ${description}, ${bytesText(memoryBytes)}`] as const,
    ),
    ['threads', String(report.threads)],
    ['memory', `${bytesText(report.memoryBytes)}, ${bytesText(report.freeMemoryBytes)} free`],
  ]);
}
