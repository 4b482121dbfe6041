// Frequency factors of Llama 3.1's long-context rotary embedding, as the tensor that llama.cpp multiplies in. Source of the formula:
// llama.cpp v0.5.0, conversion/llama.py (generate_extra_tensors), which follows transformers' modeling_rope_utils.py.
import type { StoredTensor } from '../files/stored-tensor.js';
import type { MappedTensor } from '../source/mapped-tensor.js';
import type { DecoderShape } from '../source/text-hyperparameters.js';

/** The tensor `rope_freqs.weight`, or none where positions are not scaled by frequency. */
export function ropeFactorTensors({ ropeScaling, ropeTheta, headSize }: DecoderShape): MappedTensor[] {
  if (ropeScaling?.kind !== 'llama3') return [];
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalContextTokens } = ropeScaling;
  const longestKept = originalContextTokens / highFrequencyFactor;
  const shortestScaled = originalContextTokens / lowFrequencyFactor;
  const factors = Float32Array.from({ length: headSize / 2 }, (_, pair) => {
    const wavelength = 2 * Math.PI * ropeTheta ** ((2 * pair) / headSize);
    if (wavelength < longestKept) return 1;
    if (wavelength > shortestScaled) return factor;
    const smooth =
      (originalContextTokens / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
  return [
    {
      ggufName: 'rope_freqs.weight',
      source: inMemory('rope_freqs.weight', factors),
      dimensions: [factors.length],
      rotaryHeadRows: null,
    },
  ];
}

function inMemory(name: string, values: Float32Array): StoredTensor {
  const bytes = new Uint8Array(values.buffer);
  return {
    name,
    elementType: 'F32',
    shape: [values.length],
    file: 'config.json',
    read: (first, count) => Promise.resolve(bytes.slice(first * 4, (first + count) * 4)),
  };
}
