// What a reader's process said when native code ended it: the last lines of a backend that found no memory or lost its device. It
// ends the process in the middle of a call, so the reader itself can say nothing more.

export interface NativeDeath {
  readonly code: 'native.out_of_memory' | 'native.device_lost';
  readonly message: string;
}

const OUT_OF_MEMORY = /OutOf(?:Device|Host)Memory|CUDA error: out of memory|std::bad_alloc/u;
const DEVICE_LOST =
  /DeviceLost|CUDA error: (?:unspecified launch failure|an illegal memory access|device not ready|all CUDA-capable devices are busy)|fallen off the bus/u;

/** What a line of its output says about why the process is about to end; undefined for any other line. */
export function nativeDeathIn(line: string): NativeDeath | undefined {
  if (OUT_OF_MEMORY.test(line))
    return {
      code: 'native.out_of_memory',
      message: `The device ran out of memory (${line.trim()}). Other programs may have taken it since the start.`,
    };
  if (DEVICE_LOST.test(line))
    return {
      code: 'native.device_lost',
      message: `The device disappeared or failed (${line.trim()}). The log of the system has what its driver says.`,
    };
  return undefined;
}
