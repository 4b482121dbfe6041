// Asks a build of llama.cpp which GPUs it reaches, in a process of its own: drivers may crash or hang when they are opened, and a
// process can load one build only. What comes back is data; nothing of the build stays loaded here.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { GPU_BACKENDS } from '../../model/device.js';
import type { GpuBuild } from './builds.js';
import type { GpuDevice } from './gpu-devices.js';

/** The program is JavaScript, so that it can start whether this file is compiled or run from TypeScript by the tests. */
const PROGRAM = fileURLToPath(new URL('../../../bin/device-probe.js', import.meta.url));

/** Opening CUDA on a machine with eight cards whose driver was not loaded takes several seconds. */
const DEADLINE_MS = 30_000;
const MAX_OUTPUT_BYTES = 1 << 20;

export interface ProbeOutcome {
  readonly devices: readonly GpuDevice[];
  /** Whether the backend of the build was loaded only from its fallback file. */
  readonly usesFallback: boolean;
  /** What kept devices from being found, in the words of the system or the library. */
  readonly complaints: readonly string[];
}

const outcomeSchema: z.ZodType<ProbeOutcome> = z.object({
  devices: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      backend: z.enum(GPU_BACKENDS),
      freeBytes: z.number(),
      totalBytes: z.number(),
    }),
  ),
  usesFallback: z.boolean(),
  complaints: z.array(z.string()),
});

/** Never rejects: a build that cannot be asked has no devices. */
export function probeBuild(build: GpuBuild): Promise<ProbeOutcome> {
  const options = { timeout: DEADLINE_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, JSON.stringify(build)], options, (error, stdout, stderr) => {
      if (error === null) resolve(parseOutcome(stdout));
      else resolve(nothing(failureOf(error, stderr)));
    });
  });
}

function failureOf(
  { killed, signal, code }: { killed?: boolean | undefined; signal?: unknown; code?: unknown },
  stderr: string,
): string {
  const how =
    killed === true
      ? `did not answer within ${DEADLINE_MS} ms`
      : typeof signal === 'string'
        ? `ended a process by ${signal}`
        : `ended a process with code ${String(code)}`;
  const said = stderr.trim().split('\n').at(-1) ?? '';
  return `the libraries or the driver ${how}${said === '' ? '' : ` (${said})`}`;
}

function parseOutcome(text: string): ProbeOutcome {
  try {
    return outcomeSchema.parse(JSON.parse(text));
  } catch (error) {
    return nothing(`what it said cannot be understood: ${String(error)}`);
  }
}

const nothing = (complaint: string): ProbeOutcome => ({
  devices: [],
  usesFallback: false,
  complaints: [complaint],
});
