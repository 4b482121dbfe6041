// Whether a GGUF file is a LoRA adapter that can be applied here. llama.cpp checks the shapes of its tensors against the model.
import { unsupported } from '../failures.js';
import { GgufFile } from '../gguf/gguf-file.js';

/** @throws CheckpointError checkpoint.unsupported, checkpoint.malformed, checkpoint.missing, checkpoint.unreadable */
export async function validateGgufAdapter(path: string): Promise<void> {
  const file = await GgufFile.open(path);
  try {
    const type = file.string('general.type');
    const kind = file.string('adapter.type');
    if (type !== 'adapter' || kind !== 'lora')
      throw unsupported(
        path,
        `This is no LoRA adapter: general.type is ${type ?? 'not set'}, adapter.type is ${kind ?? 'not set'}; they must be adapter and lora.`,
      );
    const table = [...file.tensors.keys()].find((name) => name.startsWith('token_embd.'));
    if (table !== undefined)
      throw unsupported(
        path,
        `Tensor ${table} changes the token table, whose rows are read outside of llama.cpp, and cannot be applied at run time. Merge the adapter into its model and load the result.`,
      );
    if (file.numbers('adapter.alora.invocation_tokens') !== undefined)
      throw unsupported(path, 'Adapters that begin within a prompt (aLoRA) are not supported.');
  } finally {
    await file.close();
  }
}
