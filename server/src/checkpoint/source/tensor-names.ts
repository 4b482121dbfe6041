// One name for each tensor, whatever layout spells it: the language model keeps the original names, the tower's begin with
// `tower.`, the projector's with `projector.<index>.`, and the vector at the end of an image row is `newline`.

import { unwrappedName } from './wrapper-prefix.js';

/** What to do with a tensor of a file: use it under this name, or pass over it. */
type CanonicalName = { readonly use: string } | 'skip';

type Rename = readonly [pattern: RegExp, replacement: string];

const ORIGINAL: readonly Rename[] = [
  [/^model\.vision_tower\.(?:vision_tower\.)?(?:vision_model\.)?/, 'tower.'],
  [/^model\.mm_projector\.(?=\d)/, 'projector.'],
  // A lone linear layer has no index.
  [/^model\.mm_projector\.(?=weight$|bias$)/, 'projector.0.'],
  [/^model\.image_newline$/, 'newline'],
];

/** transformers 4 and 5: source names of their conversion_mapping.py and of convert_llava_next_weights_to_hf.py. */
const HUB: readonly Rename[] = [
  [/^(?:model\.)?vision_tower\.(?:vision_model\.)?/, 'tower.'],
  [/^(?:model\.)?multi_modal_projector\.linear_1\./, 'projector.0.'],
  [/^(?:model\.)?multi_modal_projector\.linear_2\./, 'projector.2.'],
  [/^(?:model\.)?image_newline$/, 'newline'],
  [/^language_model\.lm_head\./, 'lm_head.'],
  [/^language_model\.model\./, 'model.'],
  [/^model\.language_model\./, 'model.'],
];

/** A CLIP repository: the vision half, with or without its level; the text half and the projections are not needed. */
const CLIP_REPOSITORY: readonly Rename[] = [
  [/^vision_model\./, 'tower.'],
  [/^(?=embeddings\.|encoder\.|pre_layrnorm\.|post_layernorm\.)/, 'tower.'],
];
const CLIP_OTHER_HALF = /^(?:text_model\.|text_projection\.|visual_projection\.|logit_scale$)/;

/** Buffers that old versions saved along; they are computed, not learned. */
const BUFFERS = /(?:rotary_emb\.inv_freq|position_ids)$/;

export type TensorLayout = 'original' | 'hub' | 'clip';

export function canonicalName(stored: string, layout: TensorLayout): CanonicalName {
  const name = unwrappedName(stored);
  if (BUFFERS.test(name)) return 'skip';
  if (layout === 'clip' && CLIP_OTHER_HALF.test(name)) return 'skip';
  const renames = { original: ORIGINAL, hub: HUB, clip: CLIP_REPOSITORY }[layout];
  const rename = renames.find(([pattern]) => pattern.test(name));
  return { use: rename === undefined ? name : name.replace(rename[0], rename[1]) };
}
