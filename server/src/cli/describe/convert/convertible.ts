// Formats that the server does not take and that are converted on this side, by their first bytes: TIFF 6 and BigTIFF, and the brands of
// ISO base media files (ISO/IEC 23008-12, AV1 Image File Format).

export const CONVERTIBLE_FORMATS = ['TIFF', 'AVIF', 'HEIC'] as const;
export type ConvertibleFormat = (typeof CONVERTIBLE_FORMATS)[number];

/** Enough for the first box of a file with many brands. */
export const PROBE_BYTES = 256;

const TIFF_STARTS: readonly string[] = ['II*\0', 'MM\0*', 'II+\0', 'MM\0+'];

/** Null for everything else. */
export function convertibleFormat(start: Buffer): ConvertibleFormat | null {
  if (TIFF_STARTS.includes(start.toString('latin1', 0, 4))) return 'TIFF';
  if (start.toString('latin1', 4, 8) !== 'ftyp') return null;
  const brands = brandsOf(start);
  // Both kinds also call themselves mif1, which says only that it is an image.
  if (brands.some((brand) => brand.startsWith('avi'))) return 'AVIF';
  return brands.some((brand) => /^(?:he|mif1|msf1)/u.test(brand)) ? 'HEIC' : null;
}

/** Four characters each, the version between the first and the others left out. */
function brandsOf(start: Buffer): string[] {
  const end = Math.min(start.length, start.readUInt32BE(0));
  const brands: string[] = [];
  for (let at = 8; at + 4 <= end; at += 4) if (at !== 12) brands.push(start.toString('latin1', at, at + 4));
  return brands;
}
