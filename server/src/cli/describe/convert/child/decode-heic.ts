// HEIC through libheif and libde265, compiled to WebAssembly in the package libheif-js, which sharp's build lacks. The package is loaded
// here and nowhere else, and may be left out of an installation.
import sharp, { type Sharp } from 'sharp';
import { InputError } from '../../../../errors.js';

/** What is used of libheif-js 1.23. */
export interface Libheif {
  /** Decodes nothing yet; no images where the file cannot be parsed. */
  readonly HeifDecoder: new () => { decode(file: Uint8Array): HeifImage[] };
}

interface HeifImage {
  get_width(): number;
  get_height(): number;
  is_primary(): boolean;
  has_alpha_channel(): boolean;
  /** Fills `data` with RGBA, turned as the file says; the callback gets null where that fails. */
  display(
    into: { data: Uint8ClampedArray; width: number; height: number },
    done: (displayed: object | null) => void,
  ): void;
}

/** Throws `image.undecodable`, `image.too_large`, and `image.format_unsupported` where the package is missing. */
export async function decodeHeic(bytes: Buffer, maxPixels: number): Promise<Sharp> {
  const { HeifDecoder } = await loadPackage();
  const images = new HeifDecoder().decode(bytes);
  // The first page is the one that the file calls so; bursts and films have more.
  const image = images.find((candidate) => candidate.is_primary()) ?? images[0];
  if (image === undefined) throw new InputError('image.undecodable', 'It holds no image that can be read.');
  const [width, height] = [image.get_width(), image.get_height()];
  if (width * height > maxPixels)
    throw new InputError(
      'image.too_large',
      `It has ${width} × ${height} = ${width * height} pixels; max_image_pixels allows ${maxPixels}.`,
    );
  const data = new Uint8ClampedArray(width * height * 4);
  const isDecoded = await new Promise<boolean>((resolve) =>
    image.display({ data, width, height }, (displayed) => resolve(displayed !== null)),
  );
  if (!isDecoded) throw new InputError('image.undecodable', 'It is broken: its pixels cannot be decoded.');
  const decoded = sharp(data, { raw: { width, height, channels: 4 } });
  return image.has_alpha_channel() ? decoded : decoded.removeAlpha();
}

async function loadPackage(): Promise<Libheif> {
  // libheif's own lines would stand within the image on standard output.
  console.log = () => undefined;
  try {
    return (await import('libheif-js/wasm-bundle.js')).default;
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new InputError(
      'image.format_unsupported',
      'HEIC needs the optional package libheif-js, which is not installed; npm ci installs it.',
      { cause },
    );
  }
}
