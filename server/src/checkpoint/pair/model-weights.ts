// The weights of a language model in GGUF as the checkpoint it came from names them, for what is made to fit it later.
import type { GgufFile } from '../gguf/gguf-file.js';
import type { ExpectedTensor } from '../source/mapped-tensor.js';
import { textTensors } from '../source/text-tensors.js';

/** @throws CheckpointError checkpoint.malformed */
export function modelWeights(model: GgufFile): ExpectedTensor[] {
  const key = (name: string): number => model.require(model.number(`llama.${name}`), `llama.${name}`);
  const headCount = key('attention.head_count');
  const hiddenSize = key('embedding_length');
  const table = model.require(model.tensors.get('token_embd.weight'), 'token_embd.weight');
  return textTensors(
    {
      hiddenSize,
      feedForwardSize: key('feed_forward_length'),
      layerCount: key('block_count'),
      headSize: model.number('llama.attention.key_length') ?? hiddenSize / headCount,
      headCount,
      kvHeadCount: model.number('llama.attention.head_count_kv') ?? headCount,
      tiesEmbeddings: !model.tensors.has('output.weight'),
    },
    table.dimensions[1] ?? 0,
  );
}
