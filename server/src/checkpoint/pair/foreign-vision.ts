// How a GGUF pair that someone else wrote prepares its images. llama.cpp's converter copies the keys of LLaVA 1.6 into the mmproj file,
// and what it says is believed; LLaVA 1.5's converters say nothing, and then grids and newline vector tell the two apart.
import type { VisionSettings } from '../../model/description.js';
import { unsupported } from '../failures.js';
import type { GgufFile } from '../gguf/gguf-file.js';
import { CLIP_NORMALISATION } from '../source/clip-tower.js';
import { parseAspect, parseMergeType } from '../source/llava-settings.js';
import { parsePinpoints } from '../source/pinpoints.js';
import type { VisionModel } from './vision-model.js';

export interface ForeignVision {
  readonly settings: VisionSettings;
  readonly conclusions: readonly string[];
}

const ASPECT_KEY = 'clip.vision.image_aspect_ratio';
const MERGE_KEY = 'clip.vision.mm_patch_merge_type';
const GRID_KEY = 'clip.vision.image_grid_pinpoints';

/** @throws CheckpointError checkpoint.unsupported, checkpoint.malformed */
export function foreignVision(file: GgufFile, vision: VisionModel): ForeignVision {
  const flat = file.numbers(GRID_KEY) ?? [];
  const hasGrids = flat.length > 0;
  const stated = file.string(ASPECT_KEY);
  const aspect =
    stated === undefined ? (hasGrids ? 'anyres' : 'pad') : parseAspect(stated, file.name, ASPECT_KEY);
  if (aspect === 'anyres' && !hasGrids)
    throw unsupported(file.name, `${ASPECT_KEY} is anyres, but ${GRID_KEY} is missing.`);
  const statedMerge = file.string(MERGE_KEY);
  const usesNewline = aspect === 'anyres' && vision.hasNewline;
  const mergeType =
    statedMerge === undefined
      ? usesNewline
        ? 'spatial_unpad'
        : 'flat'
      : parseMergeType(statedMerge, file.name, MERGE_KEY);
  const aspectEvidence =
    stated === undefined ? `${GRID_KEY} is ${hasGrids ? 'there' : 'missing'}` : `${ASPECT_KEY} says so`;
  const mergeEvidence =
    statedMerge === undefined
      ? `${MERGE_KEY} is missing, the newline vector is ${vision.hasNewline ? 'there' : 'too'}`
      : `${MERGE_KEY} says so`;
  return {
    settings: {
      sidePx: vision.sidePx,
      patchPx: vision.patchPx,
      aspect,
      gridPinpoints: aspect === 'anyres' ? parsePinpoints(pairsOf(flat), vision.sidePx, file.name) : [],
      mergeType,
      keepsClassToken: false,
      mean: rgb(file.numbers('clip.vision.image_mean')) ?? CLIP_NORMALISATION.mean,
      std: rgb(file.numbers('clip.vision.image_std')) ?? CLIP_NORMALISATION.std,
    },
    conclusions: [`images: aspect ${aspect} (${aspectEvidence}), merge ${mergeType} (${mergeEvidence})`],
  };
}

/** The converter writes [width, height, width, height, …]. */
function pairsOf(flat: readonly number[]): [number, number][] {
  return flat.flatMap((widthPx, index): [number, number][] =>
    index % 2 === 0 ? [[widthPx, flat[index + 1] ?? 0]] : [],
  );
}

function rgb(values: readonly number[] | undefined): VisionSettings['mean'] | undefined {
  const [red, green, blue] = values ?? [];
  return red === undefined || green === undefined || blue === undefined ? undefined : [red, green, blue];
}
