// Images for measurements that compare servers: drawn from a seed, so that both sides see the same ones, and different in their pixels,
// since a server may know an image again by them.
import sharp from 'sharp';
import type { Random } from '../../harness/random.js';

export interface DrawnImage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly mediaType: 'image/png';
}

export interface Size {
  readonly widthPx: number;
  readonly heightPx: number;
}

const SHAPES = 24;

export async function drawImage(random: Random, { widthPx, heightPx }: Size): Promise<DrawnImage> {
  const colour = (): string =>
    `hsl(${random.below(360)} ${30 + random.below(70)}% ${20 + random.below(70)}%)`;
  const shapes = Array.from({ length: SHAPES }, () => {
    const radius = 8 + random.below(Math.min(widthPx, heightPx) / 4);
    return `<circle cx="${random.below(widthPx)}" cy="${random.below(heightPx)}" r="${radius}" fill="${colour()}"/>`;
  });
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${widthPx}" height="${heightPx}"><rect width="100%" height="100%" fill="${colour()}"/>${shapes.join('')}</svg>`;
  return {
    bytes: new Uint8Array(await sharp(Buffer.from(drawing)).png().toBuffer()),
    mediaType: 'image/png',
  };
}
