// Which rows an image keeps of those that it would take in a prompt: as many as asked for, in their order. Newlines go first, since
// they end rows of a map that has gaps now; the class token of a tile, where the model keeps it, comes before the tile's patches.
import type { ImageLayout } from '../../../image/geometry.js';
import { promptRows, type TileRow } from '../../../image/prompt-rows.js';
import type { VisionSettings } from '../../../model/description.js';
import { choosePatches, type PatchScores } from './choose-patches.js';
import { shareRows, tileMasses, type ImageSize } from './share-rows.js';

export interface RowChoice {
  readonly size: ImageSize;
  readonly layout: ImageLayout;
  readonly settings: VisionSettings;
  /** Of each tile, the base view first. */
  readonly scores: readonly PatchScores[];
}

/** @param count from 1 to as many as there are rows without newlines */
export function chooseRows({ size, layout, settings, scores }: RowChoice, count: number): TileRow[] {
  const rows = promptRows(layout).filter((row) => row !== 'newline');
  const ofTiles = scores.map((_, index) => rows.filter(({ tile }) => tile === index).map(({ row }) => row));
  const capacities = ofTiles.map(({ length }) => length);
  const [base] = scores;
  const masses = base === undefined || scores.length === 1 ? [] : tileMasses(base.saliency, size, settings);
  const shares = shareRows(count, capacities, masses);
  const kept = scores.map((tile, index) => {
    const share = shares[index] ?? 0;
    return new Set(rowsOfTile(tile, ofTiles[index] ?? [], share, settings.keepsClassToken));
  });
  return rows.filter(({ tile, row }) => kept[tile]?.has(row) === true);
}

/** @param rows of the tile that may be kept: patches in their order, behind the class token where there is one */
function rowsOfTile(
  scores: PatchScores,
  rows: readonly number[],
  count: number,
  hasClassToken: boolean,
): number[] {
  if (!hasClassToken) return choosePatches(scores, rows, count);
  if (count === 0) return [];
  const patches = rows.slice(1).map((row) => row - 1);
  return [0, ...choosePatches(scores, patches, count - 1).map((patch) => patch + 1)];
}
