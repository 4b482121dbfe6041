// Images as cameras make them, for measurements: large smooth areas with so much grain that they compress like photographs
// (12 megapixels to 3 MB of JPEG).
import sharp, { type Sharp } from 'sharp';

export interface NamedImage {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Standard deviation of the grain, of which the shapes above it hide 70 %. */
const GRAIN = 30;
/** For PNG, which compresses grain badly: with more of it the file would exceed the 20 MiB that may be uploaded by default. */
const FINE_GRAIN = 6;

/** The usual photograph of a telephone. */
export const twelveMegapixels = (): Promise<NamedImage> =>
  named('12 MP JPEG', photograph(4000, 3000).jpeg({ quality: 90 }));

/** The photograph as JPEG, turned by EXIF, as PNG and WebP, close to the largest size that is allowed, and small. */
export async function photographs(): Promise<NamedImage[]> {
  const turned = photograph(4000, 3000).withMetadata({ orientation: 6 });
  return [
    await twelveMegapixels(),
    await named('12 MP JPEG, turned by EXIF', turned.jpeg({ quality: 90 })),
    await named('12 MP PNG', photograph(4000, 3000, FINE_GRAIN).png({ compressionLevel: 3 })),
    await named('12 MP WebP', photograph(4000, 3000).webp({ effort: 0 })),
    await named('48 MP JPEG', photograph(8000, 6000).jpeg({ quality: 90 })),
    await named('0.3 MP JPEG', photograph(640, 480).jpeg({ quality: 90 })),
  ];
}

async function named(name: string, made: Sharp): Promise<NamedImage> {
  return { name, bytes: new Uint8Array(await made.toBuffer()) };
}

function photograph(width: number, height: number, sigma = GRAIN): Sharp {
  const grain = {
    create: {
      width,
      height,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma },
    },
  } as const;
  const shapes = Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 3" width="${width}" height="${height}">
      <linearGradient id="sky" x2="0" y2="1"><stop stop-color="#48c"/><stop offset="1" stop-color="#fd9"/></linearGradient>
      <g opacity="0.7"><rect width="4" height="3" fill="url(#sky)"/><path d="M0 3 1 1.4 1.7 2.1 2.6 1 4 3Z" fill="#253"/>
      <circle cx="3.2" cy=".7" r=".4" fill="#fe6"/></g></svg>`,
  );
  return sharp(grain)
    .composite([{ input: shapes }])
    .removeAlpha();
}
