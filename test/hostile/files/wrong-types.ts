// Files of formats that are not taken, each with a word that the refusal must contain.

const svg =
  '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>';

export const WRONG_TYPES: readonly (readonly [string, string | Buffer])[] = [
  ['SVG', svg],
  ['SVG', `  \n<!-- PNG --><svg onload="alert(1)"/>`],
  ['SVG', Buffer.from(`\ufeff${svg}`, 'utf16le')],
  ['EPS', '%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run'],
  ['PDF', '%PDF-1.7\n1 0 obj'],
  ['Photoshop', '8BPS\0\x01\0\0'],
  ['TIFF', 'II*\0\x08\0\0\0'],
  ['TIFF', 'MM\0*\0\0\0\x08'],
  ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
  ['AVIF', '\0\0\0\x1cftypavif\0\0\0\0avifmif1'],
  ['JPEG XL', '\xff\x0a\xfa\x1f'],
  ['JPEG XL', '\0\0\0\x0cJXL \r\n\x87\x0a'],
  ['HLS', '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd'],
  ['MP4', '\0\0\0\x20ftypisom'],
  ['ZIP', 'PK\x03\x04\x14\0\x89PNG\r\n\x1a\n'],
  ['HTML', '<!doctype html><img src="data:image/png;base64,iVBOR">'],
  ['icon', '\0\0\x01\0\x01\0\x10\x10'],
  ['GGUF', 'GGUF\x03\0\0\0'],
  ['pickle', '\x80\x02}q\0.'],
  ['gzip', '\x1f\x8b\x08\0'],
  ['PNM', 'P6\n9999999 9999999\n255\n'],
  ['unknown kind', 'BM\x0d\0\0\0\0\0\0\0\x1a\0\0\0\x0d\0\0\0'],
  ['text', 'push graphic-context\nviewbox 0 0 640 480\nfill url(https://127.0.0.1/x.jpg")'],
  ['base64', 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB'],
  ['data URL', 'data:image/png;base64,iVBORw0KGgo='],
  ['empty', ''],
];

export const toBytes = (content: string | Buffer): Buffer =>
  typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
