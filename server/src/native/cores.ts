// The number of compute threads that pays: one per physical core that this process may use. Two hyper-threads of one core share
// its vector units, so a second thread there slows matrix products down.
import { readFileSync } from 'node:fs';
import os from 'node:os';

export function physicalCores(): number {
  const available = os.availableParallelism();
  if (process.platform !== 'linux') return available;
  const cores = new Set<string>();
  for (let cpu = 0; cpu < os.cpus().length; cpu += 1) {
    try {
      cores.add(
        readFileSync(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, 'utf8').trim(),
      );
    } catch {
      return available; // containers may hide the topology; then every available thread counts
    }
  }
  return Math.max(1, Math.min(available, cores.size));
}
