// Where a model can compute, in the words of the setting `device`.

/** What GPUs are reached through, the faster one first where a machine offers several. */
export const GPU_BACKENDS = ['cuda', 'vulkan', 'metal'] as const;
export type GpuBackend = (typeof GPU_BACKENDS)[number];

/** `auto` takes the best device that is installed and works, else the CPU. */
export const DEVICES = ['auto', 'cpu', ...GPU_BACKENDS] as const;
export type Device = (typeof DEVICES)[number];

/** Where the answers of a reader come from: computed here, or by a cluster that speaks OpenAI's API. */
export const READER_DEVICES = [...DEVICES, 'api'] as const;
export type ReaderDevice = (typeof READER_DEVICES)[number];
