// Which tensors a Llama of given shape consists of, and their names in GGUF (architecture `llama`). Order is the file's order:
// embedding, layers, closing norm, output.
import type { TextHyperparameters } from './text-hyperparameters.js';
import type { ExpectedTensor } from './mapped-tensor.js';

/** What tells the tensors' shapes. */
export type TextShape = Pick<
  TextHyperparameters,
  | 'hiddenSize'
  | 'feedForwardSize'
  | 'layerCount'
  | 'headSize'
  | 'headCount'
  | 'kvHeadCount'
  | 'tiesEmbeddings'
>;

export function textTensors(text: TextShape, vocabularyRows: number): ExpectedTensor[] {
  const { hiddenSize, layerCount, tiesEmbeddings } = text;
  const output: ExpectedTensor = {
    canonical: 'lm_head.weight',
    ggufName: 'output.weight',
    shape: [vocabularyRows, hiddenSize],
  };
  return [
    {
      canonical: 'model.embed_tokens.weight',
      ggufName: 'token_embd.weight',
      shape: [vocabularyRows, hiddenSize],
    },
    ...Array.from({ length: layerCount }, (_, layer) => layerTensors(text, layer)).flat(),
    { canonical: 'model.norm.weight', ggufName: 'output_norm.weight', shape: [hiddenSize] },
    // Without output.weight, llama.cpp multiplies with the embedding.
    ...(tiesEmbeddings ? [] : [output]),
  ];
}

function layerTensors(text: TextShape, layer: number): ExpectedTensor[] {
  const { hiddenSize, feedForwardSize, headSize, headCount, kvHeadCount } = text;
  const queryRows = headCount * headSize;
  const kvRows = kvHeadCount * headSize;
  const weight = (canonical: string, gguf: string, shape: readonly number[], rotaryHeadRows?: number) => ({
    canonical: `model.layers.${layer}.${canonical}.weight`,
    ggufName: `blk.${layer}.${gguf}.weight`,
    shape,
    ...(rotaryHeadRows === undefined ? {} : { rotaryHeadRows }),
  });
  return [
    weight('input_layernorm', 'attn_norm', [hiddenSize]),
    weight('self_attn.q_proj', 'attn_q', [queryRows, hiddenSize], headSize),
    weight('self_attn.k_proj', 'attn_k', [kvRows, hiddenSize], headSize),
    weight('self_attn.v_proj', 'attn_v', [kvRows, hiddenSize]),
    weight('self_attn.o_proj', 'attn_output', [hiddenSize, queryRows]),
    weight('post_attention_layernorm', 'ffn_norm', [hiddenSize]),
    weight('mlp.gate_proj', 'ffn_gate', [feedForwardSize, hiddenSize]),
    weight('mlp.up_proj', 'ffn_up', [feedForwardSize, hiddenSize]),
    weight('mlp.down_proj', 'ffn_down', [hiddenSize, feedForwardSize]),
  ];
}
