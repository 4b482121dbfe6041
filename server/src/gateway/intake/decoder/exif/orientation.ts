// The orientation that EXIF data ask for: tag 0x0112 of their first directory (EXIF 2.3, 4.6.4; TIFF 6.0, section 2), a number
// of any type but bytes and text, the last one where there are several, as Pillow's getexif reads it. Senseless data turn nothing: they
// say nothing about pixels that may be fine.

/** 1 to 8; 1 is upright. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

const UPRIGHT: Orientation = 1;
const ORIENTATIONS: readonly Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8];
const ORIENTATION_TAG = 0x0112;
const ENTRY_BYTES = 12;
/** Some writers put it once more in front of the TIFF header. */
const PREFIX = Buffer.from('Exif\0\0', 'latin1');

export function readOrientation(exif: Uint8Array): Orientation {
  const tiff = withoutPrefix(exif);
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  if (view.byteLength < 8) return UPRIGHT;
  const order = view.getUint16(0);
  const isLittle = order === 0x4949; // II
  if (!isLittle && order !== 0x4d4d) return UPRIGHT; // MM
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > view.byteLength) return UPRIGHT;
  const entries = view.getUint16(directory, isLittle);
  let found: number | undefined;
  for (let entry = 0; entry < entries; entry += 1) {
    const at = directory + 2 + entry * ENTRY_BYTES;
    if (at + ENTRY_BYTES > view.byteLength) break;
    if (view.getUint16(at, isLittle) === ORIENTATION_TAG) found = numberOf(view, at, isLittle) ?? found;
  }
  return ORIENTATIONS.find((orientation) => orientation === found) ?? UPRIGHT;
}

function withoutPrefix(exif: Uint8Array): Uint8Array {
  let rest = exif;
  while (PREFIX.equals(rest.subarray(0, PREFIX.length))) rest = rest.subarray(PREFIX.length);
  return rest;
}

/** Bytes of the types of TIFF that Pillow takes for a number here: SHORT, LONG, RATIONAL and their signed forms. */
const TYPE_BYTES: Readonly<Record<number, 2 | 4 | 8>> = { 3: 2, 4: 4, 5: 8, 8: 2, 9: 4, 10: 8 };

/** The first value of an entry; undefined where it is of another type, has none, or lies outside. */
function numberOf(view: DataView, entry: number, isLittle: boolean): number | undefined {
  const bytes = TYPE_BYTES[view.getUint16(entry + 2, isLittle)];
  const count = view.getUint32(entry + 4, isLittle);
  if (bytes === undefined || count === 0) return undefined;
  const at = bytes * count <= 4 ? entry + 8 : view.getUint32(entry + 8, isLittle);
  if (at + bytes * count > view.byteLength) return undefined;
  if (bytes === 2) return view.getUint16(at, isLittle);
  const whole = view.getUint32(at, isLittle);
  return bytes === 4 ? whole : whole / view.getUint32(at + 4, isLittle);
}
