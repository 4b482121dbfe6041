// Pictures as cameras make them, for measurements: large smooth areas with grain, so that they compress like photographs.
import sharp, { type Sharp } from 'sharp';

export interface NamedPicture {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Of one photograph: the usual size of a telephone, turned, without loss, the largest that is allowed, and a small one. */
export async function photographs(): Promise<NamedPicture[]> {
  const of = async (name: string, made: Sharp): Promise<NamedPicture> => ({
    name,
    bytes: new Uint8Array(await made.toBuffer()),
  });
  return [
    await of('12 MP JPEG', photograph(4000, 3000).jpeg({ quality: 90 })),
    await of('12 MP JPEG, turned by EXIF', photograph(4000, 3000).withMetadata({ orientation: 6 }).jpeg()),
    await of('12 MP PNG', photograph(4000, 3000).png({ compressionLevel: 3 })),
    await of('12 MP WebP', photograph(4000, 3000).webp({ effort: 0 })),
    await of('48 MP JPEG', photograph(8000, 6000).jpeg({ quality: 90 })),
    await of('0.3 MP JPEG', photograph(640, 480).jpeg({ quality: 90 })),
  ];
}

function photograph(width: number, height: number): Sharp {
  const grain = {
    create: {
      width,
      height,
      channels: 3,
      background: '#808080',
      noise: { type: 'gaussian', mean: 128, sigma: 6 },
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
