// What a server holds: requests, cells, features, processes and memory. After all requests have ended, only caches may be left.
import { readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { residentMemoryBytes, type RunningServer, type ServerProcess } from '../../harness/running-server.js';

/** Between two looks. */
const SETTLE_MS = 500;
const SETTLE_TIMEOUT_MS = 30_000;

export type MemoryMiB = Readonly<Record<ServerProcess['name'], number>>;

/** Resident now, decoders added up. */
export function memoryOf(server: RunningServer): MemoryMiB {
  const sums = { gateway: 0, reader: 0, decoder: 0 };
  for (const { pid, name } of server.processes()) sums[name] += residentMemoryBytes(pid) / 2 ** 20;
  return sums;
}

export interface Held {
  readonly name: string;
  readonly count: number;
  /** How much of it a server without requests may hold. */
  readonly allowed: number;
}

/** Of a server that has had requests before, so that what is made once is there. */
export interface Idle {
  readonly openFiles: number;
  /** Gateway, reader, and as many decoders as may run: they stay for the next image. */
  readonly processes: number;
}

export async function idleCounts(server: RunningServer): Promise<Idle> {
  const { config } = (await (await fetch(`${server.managementUrl}/status`)).json()) as {
    config: { image_decode_concurrency: number };
  };
  return { openFiles: openFiles(server), processes: 2 + config.image_decode_concurrency };
}

/** Waits until nothing is held beyond what is allowed; what is left after half a minute is told as it is. */
export async function settled(
  server: RunningServer,
  before: Idle,
  connections: number,
): Promise<readonly Held[]> {
  const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS;
  for (;;) {
    const held = await readHeld(server, before, connections);
    if (held.every(isAllowed) || performance.now() > deadlineMs) return held;
    await delay(SETTLE_MS);
  }
}

/** A figure that the server does not print counts as held. */
export const isAllowed = ({ count, allowed }: Held): boolean => count <= allowed;

async function readHeld(server: RunningServer, before: Idle, connections: number): Promise<readonly Held[]> {
  const metrics = await (await fetch(`${server.managementUrl}/metrics`)).text();
  const sum = (pattern: RegExp): number => {
    const values = [...metrics.matchAll(pattern)].map(([, value]) => Number(value));
    return values.length === 0 ? NaN : values.reduce((total, value) => total + value, 0);
  };
  return [
    { name: 'open requests', count: sum(/^takeoff_open_requests (\S+)$/gmu), allowed: 0 },
    { name: 'prompts', count: sum(/^takeoff_prompts\{.*\} (\S+)$/gmu), allowed: 0 },
    { name: 'cells of running prompts', count: sum(/^takeoff_kv_cells\{.*"held"\} (\S+)$/gmu), allowed: 0 },
    { name: 'images being decoded', count: sum(/^takeoff_image_decodes\{.*\} (\S+)$/gmu), allowed: 0 },
    {
      name: 'bytes of features',
      count: sum(/^takeoff_image_features_bytes\{.*\} (\S+)$/gmu),
      allowed: sum(/^takeoff_image_features_max_bytes\{.*\} (\S+)$/gmu),
    },
    { name: 'processes', count: server.processes().length, allowed: before.processes },
    // Clients keep connections for their next request.
    { name: 'open files of the gateway', count: openFiles(server), allowed: before.openFiles + connections },
  ];
}

const openFiles = (server: RunningServer): number => readdirSync(`/proc/${server.child.pid ?? 0}/fd`).length;
