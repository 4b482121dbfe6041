// What a chosen file is, by its first bytes: its name and declared type play no part, on the page as on the server. Refuses before
// anything is uploaded. Pure.

export const ACCEPTED = ['JPEG', 'PNG', 'WebP', 'GIF', 'BMP'] as const;
export type AcceptedFormat = (typeof ACCEPTED)[number];

export type Sniffed =
  | { readonly kind: 'accepted'; readonly format: AcceptedFormat }
  /** An image that the server does not take. Some browsers can show it, and then it is sent as PNG or JPEG. */
  | { readonly kind: 'convertible'; readonly name: string }
  /** No image that could be asked about. `name` has an article. */
  | { readonly kind: 'refused'; readonly name: string };

/** As many bytes as `sniff` looks at. */
export const SNIFFED_BYTES = 64;

const STARTS: readonly (readonly [offset: number, text: string, Sniffed])[] = [
  [0, '\xff\xd8\xff', { kind: 'accepted', format: 'JPEG' }],
  [0, '\x89PNG\r\n\x1a\n', { kind: 'accepted', format: 'PNG' }],
  [0, 'GIF87a', { kind: 'accepted', format: 'GIF' }],
  [0, 'GIF89a', { kind: 'accepted', format: 'GIF' }],
  [8, 'WEBP', { kind: 'accepted', format: 'WebP' }],
  [4, 'ftypavi', { kind: 'convertible', name: 'an AVIF image' }],
  [4, 'ftyphe', { kind: 'convertible', name: 'a HEIC image' }],
  [4, 'ftypmif1', { kind: 'convertible', name: 'a HEIC image' }],
  [4, 'ftypmsf1', { kind: 'convertible', name: 'a HEIC image' }],
  [0, 'II*\0', { kind: 'convertible', name: 'a TIFF image' }],
  [0, 'MM\0*', { kind: 'convertible', name: 'a TIFF image' }],
  [0, '\0\0\0\x0cJXL ', { kind: 'convertible', name: 'a JPEG XL image' }],
  [0, '\xff\x0a', { kind: 'convertible', name: 'a JPEG XL image' }],
  [4, 'ftyp', { kind: 'refused', name: 'a video' }],
  [0, '\x1aE\xdf\xa3', { kind: 'refused', name: 'a video' }],
  [0, '%PDF', { kind: 'refused', name: 'a PDF document' }],
  [0, 'PK\x03\x04', { kind: 'refused', name: 'an archive or an office document' }],
  [0, '8BPS', { kind: 'refused', name: 'a Photoshop document' }],
];

export function sniff(head: Uint8Array): Sniffed {
  const text = String.fromCharCode(...head.subarray(0, SNIFFED_BYTES));
  for (const [offset, start, sniffed] of STARTS) if (text.startsWith(start, offset)) return sniffed;
  // Two letters are little to go by, so the reserved bytes of the header count too.
  if (text.startsWith('BM') && text.startsWith('\0\0\0\0', 6)) return { kind: 'accepted', format: 'BMP' };
  if (/^(?:\xef\xbb\xbf)?\s*<(?:\?xml|svg|!doctype svg)/iu.test(text))
    return { kind: 'refused', name: 'an SVG drawing' };
  return { kind: 'refused', name: head.length === 0 ? 'an empty file' : 'no image' };
}
