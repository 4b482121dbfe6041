// What an image costs with all of its tokens and with fewer: time to the first token, features and KV cells. Each question begins with
// other words in front of the image, so that nothing of its prompt is in the prefix cache: once with an image that nobody has asked
// about, and once with one whose features are kept, where only the language model is at work.
import { firstTokenMs } from './answer.js';
import type { Size } from './drawn-image.js';
import type { World } from './world.js';

const QUESTION = 'Describe the image to me in detail.';
const NEW_TOKENS = 8;

export async function compareBudgets(world: World, size: Size, imageTokens: number): Promise<void> {
  const all = await costOf(world, size, undefined);
  const fewer = await costOf(world, size, imageTokens);
  const figures = [
    ['first token, new image', 'ms', all.newImageMs, fewer.newImageMs],
    ['first token, features kept', 'ms', all.keptFeaturesMs, fewer.keptFeaturesMs],
    ['features', 'KiB', all.featureKiB, fewer.featureKiB],
    ['KV cells of a prompt', 'cells', all.cells, fewer.cells],
  ] as const;
  for (const [name, unit, whole, part] of figures) {
    world.figure(`${name}, all tokens`, unit, whole);
    world.figure(`${name}, ${imageTokens} tokens`, unit, part);
    world.figure(`${name}, share`, '%', (100 * part) / whole);
  }
}

interface ImageCost {
  readonly newImageMs: number;
  readonly keptFeaturesMs: number;
  readonly featureKiB: number;
  readonly cells: number;
}

async function costOf(world: World, size: Size, imageTokens: number | undefined): Promise<ImageCost> {
  const image = await world.newImage(size);
  const ask = async (): Promise<number> => {
    const before = world.newText('This is the image.');
    const question = { image, text: QUESTION, newTokens: NEW_TOKENS, before };
    return firstTokenMs(await world.ask(imageTokens === undefined ? question : { ...question, imageTokens }));
  };
  const start = await world.readCaches();
  const newImageMs = await ask();
  const keptFeaturesMs = await ask();
  const end = await world.readCaches();
  return {
    newImageMs,
    keptFeaturesMs,
    featureKiB: (end.featureBytes - start.featureBytes) / 1024,
    cells: (end.cachedCells - start.cachedCells) / 2,
  };
}
