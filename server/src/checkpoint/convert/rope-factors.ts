// How often each pair of a head turns, as the tensor of factors that llama.cpp divides frequencies by: for Llama 3.1's long-context
// rotary embedding and for YaRN. llama.cpp has a YaRN of its own, which rounds other ends and scales attention otherwise, so the file does
// not name it. Source of the formulas: transformers 5.18, modeling_rope_utils.py (_compute_llama3_parameters, _compute_yarn_parameters).
import type { StoredTensor } from '../files/stored-tensor.js';
import type { MappedTensor } from '../source/mapped-tensor.js';
import type { RopeScaling } from '../source/rope-scaling.js';
import type { DecoderShape } from '../source/text-hyperparameters.js';

/** What is taken there for a range without pairs, so that nothing is divided by zero. */
const EMPTY_RANGE = 0.001;

type Scaling<Kind> = Extract<RopeScaling, { readonly kind: Kind }>;

/** The tensor `rope_freqs.weight`, or none where positions are not scaled by frequency. */
export function ropeFactorTensors(shape: DecoderShape): MappedTensor[] {
  const { ropeScaling } = shape;
  if (ropeScaling === null || ropeScaling.kind === 'linear') return [];
  const factors =
    ropeScaling.kind === 'llama3' ? llama3Factors(ropeScaling, shape) : yarnFactors(ropeScaling, shape);
  return [
    {
      ggufName: 'rope_freqs.weight',
      source: inMemory('rope_freqs.weight', factors),
      dimensions: [factors.length],
      rotaryHeadRows: null,
    },
  ];
}

function llama3Factors(
  { factor, lowFrequencyFactor, highFrequencyFactor, originalContextTokens }: Scaling<'llama3'>,
  { ropeTheta, headSize }: DecoderShape,
): Float32Array<ArrayBuffer> {
  const longestKept = originalContextTokens / highFrequencyFactor;
  const shortestScaled = originalContextTokens / lowFrequencyFactor;
  return Float32Array.from({ length: headSize / 2 }, (_, pair) => {
    const wavelength = 2 * Math.PI * ropeTheta ** ((2 * pair) / headSize);
    if (wavelength < longestKept) return 1;
    if (wavelength > shortestScaled) return factor;
    const smooth =
      (originalContextTokens / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

function yarnFactors(
  { factor, fastTurns, slowTurns, roundsRange, originalContextTokens }: Scaling<'yarn'>,
  { ropeTheta, headSize }: DecoderShape,
): Float32Array<ArrayBuffer> {
  /** The pair that turns so often within the original context. */
  const pairOf = (turns: number) =>
    (headSize * Math.log(originalContextTokens / (turns * 2 * Math.PI))) / (2 * Math.log(ropeTheta));
  const [fast, slow] = [pairOf(fastTurns), pairOf(slowTurns)];
  const low = Math.max(roundsRange ? Math.floor(fast) : fast, 0);
  const high = Math.min(roundsRange ? Math.ceil(slow) : slow, headSize - 1);
  const width = low === high ? EMPTY_RANGE : high - low;
  return Float32Array.from({ length: headSize / 2 }, (_, pair) => {
    const scaled = Math.min(Math.max((pair - low) / width, 0), 1);
    return 1 / (scaled / factor + 1 - scaled);
  });
}

function inMemory(name: string, values: Float32Array<ArrayBuffer>): StoredTensor {
  const bytes = new Uint8Array(values.buffer);
  return {
    name,
    elementType: 'F32',
    shape: [values.length],
    file: 'config.json',
    read: (first, count) => Promise.resolve(bytes.slice(first * 4, (first + count) * 4)),
  };
}
