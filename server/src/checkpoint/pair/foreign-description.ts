// A ModelDescription for a GGUF pair that someone else wrote, from the standard keys. What those keys cannot say is taken from the
// published model that such a pair is most likely made of, and a warning names each guess.
import type {
  AddedToken,
  ModelDescription,
  TokenizerSettings,
  VisionSettings,
} from '../../model/description.js';
import { unsupported } from '../failures.js';
import type { GgufFile } from '../gguf/gguf-file.js';
import { CLIP_NORMALISATION } from '../source/clip-tower.js';
import { chooseTemplate } from '../source/template-choice.js';
import { parsePinpoints } from '../source/pinpoints.js';
import { PIECE_TYPE } from '../tokenizer/sentencepiece.js';
import type { VisionModel } from './vision-model.js';

/** The width of Mistral's feed-forward beside 4096 features: no Llama of that width has 8 KV heads and this. */
const MISTRAL_FEED_FORWARD = 14_336;

interface ForeignDescription {
  readonly description: ModelDescription;
  readonly warnings: readonly string[];
}

/** @throws CheckpointError checkpoint.unsupported, checkpoint.malformed */
export function describeForeignPair(
  model: GgufFile,
  projector: { readonly file: GgufFile; readonly vision: VisionModel } | null,
): ForeignDescription {
  const kind = tokenizerKind(model);
  const family = isMistral(model, kind) ? 'mistral' : 'llama';
  const tokens = model.require(model.strings('tokenizer.ggml.tokens'), 'tokenizer.ggml.tokens');
  const tokenizer = tokenizerSettings(model, tokens, kind, family === 'mistral');
  const { template } = chooseTemplate({
    configured: null,
    family,
    tokenizer: { settings: tokenizer, eosContent: tokens[tokenizer.eosIds[0] ?? -1] ?? null },
    names: [model.string('general.name') ?? ''],
  });
  const contextKey = 'llama.context_length';
  return {
    description: {
      architecture: family === 'mistral' ? 'LlavaMistralForCausalLM' : 'LlavaLlamaForCausalLM',
      contextTokens: model.require(model.number(contextKey), contextKey),
      template,
      tokenizer,
      vision: projector === null ? null : visionSettings(projector.file, projector.vision),
      wrapsImageInStartEnd: false,
    },
    warnings: [
      `${model.name} was not written by this program: template ${template} and ${tokenizer.legacy ? 'legacy' : 'new'} tokenisation are assumed. TAKEOFF_CHAT_TEMPLATE overrides the template.`,
    ],
  };
}

function tokenizerKind(model: GgufFile): TokenizerSettings['kind'] {
  const name = model.require(model.string('tokenizer.ggml.model'), 'tokenizer.ggml.model');
  if (name === 'llama') return 'sentencepiece';
  if (name === 'gpt2') return 'bpe';
  throw unsupported(model.name, `The tokenizer is of kind ${name}; llama and gpt2 are supported.`);
}

function isMistral(model: GgufFile, kind: TokenizerSettings['kind']): boolean {
  const named = /mistral|bakllava/i.test(model.string('general.name') ?? '');
  return (
    named || (kind === 'sentencepiece' && model.number('llama.feed_forward_length') === MISTRAL_FEED_FORWARD)
  );
}

function tokenizerSettings(
  model: GgufFile,
  tokens: readonly string[],
  kind: TokenizerSettings['kind'],
  legacy: boolean,
): TokenizerSettings {
  const types = model.numbers('tokenizer.ggml.token_type') ?? tokens.map(() => PIECE_TYPE.normal);
  const addedTokens: AddedToken[] = tokens.flatMap((content, id) => {
    const type = types[id];
    const special = type === PIECE_TYPE.control || type === PIECE_TYPE.unknown;
    if (content === '' || (!special && type !== PIECE_TYPE.userDefined)) return [];
    return [{ id, content, special, lstrip: false, rstrip: false }];
  });
  const eos = ['eos_token_id', 'eot_token_id'].flatMap((key) => model.number(`tokenizer.ggml.${key}`) ?? []);
  return {
    kind,
    legacy,
    addBos: model.boolean('tokenizer.ggml.add_bos_token') ?? true,
    addSpacePrefix: kind === 'sentencepiece' && (model.boolean('tokenizer.ggml.add_space_prefix') ?? true),
    bosId: model.number('tokenizer.ggml.bos_token_id') ?? null,
    eosIds: [...new Set(eos)],
    tokenCount: 1 + types.findLastIndex((type) => type !== PIECE_TYPE.unused),
    addedTokens,
  };
}

function visionSettings(file: GgufFile, vision: VisionModel): VisionSettings {
  const flat = file.numbers('clip.vision.image_grid_pinpoints') ?? [];
  const pairs = flat.flatMap((widthPx, index): [number, number][] =>
    index % 2 === 0 ? [[widthPx, flat[index + 1] ?? 0]] : [],
  );
  const isAnyres = pairs.length > 0;
  return {
    sidePx: vision.sidePx,
    patchPx: vision.patchPx,
    aspect: isAnyres ? 'anyres' : 'pad',
    gridPinpoints: isAnyres ? parsePinpoints(pairs, vision.sidePx, file.name) : [],
    mergeType: isAnyres && vision.hasNewline ? 'spatial_unpad' : 'flat',
    keepsClassToken: false,
    mean: rgb(file.numbers('clip.vision.image_mean')) ?? CLIP_NORMALISATION.mean,
    std: rgb(file.numbers('clip.vision.image_std')) ?? CLIP_NORMALISATION.std,
  };
}

function rgb(values: readonly number[] | undefined): VisionSettings['mean'] | undefined {
  const [red, green, blue] = values ?? [];
  return red === undefined || green === undefined || blue === undefined ? undefined : [red, green, blue];
}
