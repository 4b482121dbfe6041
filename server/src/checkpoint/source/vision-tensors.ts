// Which tensors the image side consists of (tower up to the selected layer, projector, newline vector) and their names in a
// GGUF of architecture `clip`. What the selected layer does not need is not kept: later layers and the closing norm.
import type { TowerShape } from '../../model/tower-shape.js';
import type { ExpectedTensor } from './mapped-tensor.js';

const CHANNELS = 3;

/** The tower's tensors for its first `layersToRun` layers. */
export function towerTensors(tower: TowerShape, layersToRun: number): ExpectedTensor[] {
  const { hiddenSize, sidePx, patchPx } = tower;
  const positions = (sidePx / patchPx) ** 2 + 1;
  return [
    {
      canonical: 'tower.embeddings.class_embedding',
      ggufName: 'v.class_embd',
      shape: [hiddenSize],
    },
    {
      canonical: 'tower.embeddings.patch_embedding.weight',
      ggufName: 'v.patch_embd.weight',
      shape: [hiddenSize, CHANNELS, patchPx, patchPx],
    },
    {
      canonical: 'tower.embeddings.position_embedding.weight',
      ggufName: 'v.position_embd.weight',
      shape: [positions, hiddenSize],
    },
    ...weightAndBias('tower.pre_layrnorm', 'v.pre_ln', [hiddenSize]),
    ...Array.from({ length: layersToRun }, (_, layer) => layerTensors(tower, layer)).flat(),
  ];
}

/** Linear layers at the even places, as in a sequence with an activation after each but the last. */
export function projectorTensors(layerCount: number, towerSize: number, textSize: number): ExpectedTensor[] {
  return Array.from({ length: layerCount }, (_, index) =>
    weightAndBias(`projector.${index * 2}`, `mm.${index * 2}`, [
      textSize,
      index === 0 ? towerSize : textSize,
    ]),
  ).flat();
}

export function newlineTensor(textSize: number): ExpectedTensor {
  return { canonical: 'newline', ggufName: 'v.image_newline', shape: [textSize] };
}

function layerTensors(tower: TowerShape, layer: number): ExpectedTensor[] {
  const { hiddenSize, feedForwardSize } = tower;
  const pair = (canonical: string, gguf: string, shape: readonly number[]) =>
    weightAndBias(`tower.encoder.layers.${layer}.${canonical}`, `v.blk.${layer}.${gguf}`, shape);
  return [
    ...pair('layer_norm1', 'ln1', [hiddenSize]),
    ...pair('self_attn.q_proj', 'attn_q', [hiddenSize, hiddenSize]),
    ...pair('self_attn.k_proj', 'attn_k', [hiddenSize, hiddenSize]),
    ...pair('self_attn.v_proj', 'attn_v', [hiddenSize, hiddenSize]),
    ...pair('self_attn.out_proj', 'attn_out', [hiddenSize, hiddenSize]),
    ...pair('layer_norm2', 'ln2', [hiddenSize]),
    ...pair('mlp.fc1', 'ffn_up', [feedForwardSize, hiddenSize]),
    ...pair('mlp.fc2', 'ffn_down', [hiddenSize, feedForwardSize]),
  ];
}

function weightAndBias(canonical: string, gguf: string, shape: readonly number[]): ExpectedTensor[] {
  return [
    { canonical: `${canonical}.weight`, ggufName: `${gguf}.weight`, shape },
    { canonical: `${canonical}.bias`, ggufName: `${gguf}.bias`, shape: shape.slice(0, 1) },
  ];
}
