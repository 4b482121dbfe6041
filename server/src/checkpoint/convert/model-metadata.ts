// Metadata of the language model's GGUF file: the keys that llama.cpp's converter writes for architecture `llama`, and one key of
// our own that carries everything the standard keys have no place for.
import type { TextQuant } from '../../model/quantisation.js';
import { bool, f32, f32s, i32s, text, texts, u32, type GgufMetadata, type GgufValue } from '../gguf/value.js';
import type { Checkpoint } from '../source/checkpoint.js';
import type { RopeScaling } from '../source/rope-scaling.js';
import type { TextHyperparameters } from '../source/text-hyperparameters.js';
import type { TokenizerData } from '../tokenizer/read-tokenizer.js';
import { QUANT_FACTS } from './quantisation.js';

/** JSON of a ModelDescription, in the language model's file. */
export const DESCRIPTION_KEY = 'takeoff.description';
/** The chat template of the checkpoint, in Jinja. */
export const TEMPLATE_KEY = 'tokenizer.chat_template';
/** Layout version of quantised blocks (ggml.h, GGML_QNT_VERSION). */
const QUANTISATION_VERSION = 2;

type Entry = readonly [key: string, value: GgufValue];

export function modelMetadata(checkpoint: Checkpoint, quant: TextQuant): GgufMetadata {
  return new Map([
    ['general.architecture', text('llama')],
    ['general.type', text('model')],
    ['general.name', text(checkpoint.name)],
    ...fileTypeEntries(quant),
    ...hyperparameterEntries(checkpoint.text, checkpoint.tokenizer.vocabulary.tokens.length),
    ...tokenizerEntries(checkpoint.tokenizer),
    ...templateEntries(checkpoint.ownTemplate),
    [DESCRIPTION_KEY, text(JSON.stringify(checkpoint.description))],
  ]);
}

export function fileTypeEntries(quant: TextQuant): Entry[] {
  const fileType: Entry = ['general.file_type', u32(QUANT_FACTS[quant].fileType)];
  const isPlain = quant === 'f32' || quant === 'f16' || quant === 'bf16';
  return isPlain ? [fileType] : [fileType, ['general.quantization_version', u32(QUANTISATION_VERSION)]];
}

function hyperparameterEntries(model: TextHyperparameters, vocabularyRows: number): Entry[] {
  const headEntries: Entry[] = [
    ['llama.attention.key_length', u32(model.headSize)],
    ['llama.attention.value_length', u32(model.headSize)],
  ];
  return [
    ['llama.block_count', u32(model.layerCount)],
    ['llama.context_length', u32(model.contextTokens)],
    ['llama.embedding_length', u32(model.hiddenSize)],
    ['llama.feed_forward_length', u32(model.feedForwardSize)],
    ['llama.attention.head_count', u32(model.headCount)],
    ['llama.attention.head_count_kv', u32(model.kvHeadCount)],
    ['llama.attention.layer_norm_rms_epsilon', f32(model.rmsEpsilon)],
    ...(model.headSize * model.headCount === model.hiddenSize ? [] : headEntries),
    ['llama.rope.freq_base', f32(model.ropeTheta)],
    ['llama.rope.dimension_count', u32(model.headSize)],
    ...scalingEntries(model.ropeScaling),
    ['llama.vocab_size', u32(vocabularyRows)],
  ];
}

/** What factors for each frequency (rope-factors.ts) do not say. */
function scalingEntries(scaling: RopeScaling | null): Entry[] {
  if (scaling?.kind === 'linear')
    return [
      ['llama.rope.scaling.type', text('linear')],
      ['llama.rope.scaling.factor', f32(scaling.factor)],
    ];
  if (scaling?.kind === 'yarn')
    return [
      ['llama.rope.scaling.type', text('none')],
      ['llama.rope.scaling.attn_factor', f32(scaling.attentionFactor)],
    ];
  return [];
}

function tokenizerEntries({ vocabulary, settings, ...ids }: TokenizerData): Entry[] {
  const optional = (key: string, id: number | null): Entry[] => (id === null ? [] : [[key, u32(id)]]);
  const scores: Entry = ['tokenizer.ggml.scores', f32s(vocabulary.scores)];
  return [
    ['tokenizer.ggml.model', text(vocabulary.model)],
    ['tokenizer.ggml.pre', text(vocabulary.pre)],
    ['tokenizer.ggml.tokens', texts(vocabulary.tokens)],
    ...(vocabulary.model === 'llama' ? [scores] : []),
    ['tokenizer.ggml.token_type', i32s(vocabulary.types)],
    ...(vocabulary.merges === null ? [] : [['tokenizer.ggml.merges', texts(vocabulary.merges)] as const]),
    ...optional('tokenizer.ggml.bos_token_id', settings.bosId),
    ...optional('tokenizer.ggml.eos_token_id', ids.primaryEosId),
    ...optional('tokenizer.ggml.unknown_token_id', ids.unknownId),
    ...optional('tokenizer.ggml.padding_token_id', ids.padId),
    ['tokenizer.ggml.add_bos_token', bool(settings.addBos)],
    ['tokenizer.ggml.add_eos_token', bool(ids.addEos)],
    ['tokenizer.ggml.add_space_prefix', bool(settings.addSpacePrefix)],
    ['tokenizer.ggml.remove_extra_whitespaces', bool(settings.removesExtraWhitespace)],
  ];
}

/** For llama.cpp and its relatives; a reader of ours goes by the description. */
const templateEntries = (jinja: string | null): Entry[] =>
  jinja === null ? [] : [[TEMPLATE_KEY, text(jinja)]];
