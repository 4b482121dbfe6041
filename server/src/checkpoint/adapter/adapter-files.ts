// The files of a LoRA adapter as PEFT saves it.

export const ADAPTER_CONFIG = 'adapter_config.json';
/** The first that is there is read. */
export const ADAPTER_WEIGHTS = ['adapter_model.safetensors', 'adapter_model.bin'] as const;
export type AdapterFile = (typeof ADAPTER_WEIGHTS)[number];
