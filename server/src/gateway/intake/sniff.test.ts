import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { sniffFormat } from './sniff.js';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const refusal = (input: Uint8Array): unknown => {
  try {
    return sniffFormat(input);
  } catch (error) {
    return error;
  }
};
const image = () => sharp(new Uint8Array(12), { raw: { width: 2, height: 2, channels: 3 } });

describe('sniffFormat', () => {
  it.each(['jpeg', 'png', 'webp', 'gif'] as const)('recognises %s as sharp writes it', async (format) => {
    expect(sniffFormat(await image().toFormat(format).toBuffer())).toBe(format);
  });

  it('recognises both versions of GIF', () => {
    expect(sniffFormat(bytes('GIF87a'))).toBe('gif');
    expect(sniffFormat(bytes('GIF89a'))).toBe('gif');
    expect(refusal(bytes('GIF88a'))).toMatchObject({ code: 'image.format_unsupported' });
  });

  it('recognises BMP by its letters and its header size together', () => {
    const header = (size: string): Uint8Array => bytes(`BM${'\0'.repeat(12)}${size}\0\0\0`);
    expect(sniffFormat(header('('))).toBe('bmp');
    expect(sniffFormat(header('\x0c'))).toBe('bmp');
    expect(sniffFormat(header('\x10'))).toBe('bmp');
    expect(sniffFormat(header('\x7c'))).toBe('bmp');
    expect(refusal(header('*'))).toMatchObject({ code: 'image.format_unsupported' });
    expect(String(refusal(bytes('BMW makes cars')))).toContain('The image is text');
  });

  it.each([
    ['a TIFF image', 'II*\0\x08\0\0\0'],
    ['a TIFF image', 'MM\0*\0\0\0\x08'],
    ['a TIFF image', 'II+\0\x08\0\0\0'],
    ['a HEIC image', '\0\0\0\x18ftypheic'],
    ['a HEIC image', '\0\0\0\x18ftypmif1'],
    ['an AVIF image', '\0\0\0\x18ftypavif'],
    ['an AVIF image', '\0\0\0\x18ftypavis'],
    ['an MP4 or QuickTime video', '\0\0\0\x18ftypisom'],
    ['a JPEG XL image', '\xff\x0a\xff'],
    ['a JPEG XL image', '\0\0\0\x0cJXL \r\n\x87\n'],
    ['a JPEG 2000 image', '\0\0\0\x0cjP  \r\n\x87\n'],
    ['a Photoshop document', '8BPS\0\x01'],
    ['an icon file', '\0\0\x01\0\x01\0'],
    ['a PDF document', '%PDF-1.7\n'],
    ['a PostScript or EPS document', '%!PS-Adobe-3.0 EPSF-3.0'],
    ['an EPS document', '\xc5\xd0\xd3\xc6\x20'],
    ['an HLS playlist', '#EXTM3U\n#EXT-X-VERSION:3'],
    ['a ZIP archive', 'PK\x03\x04\x14\0'],
    ['a gzip archive', '\x1f\x8b\x08\0'],
    ['a WAV sound', 'RIFF\x24\0\0\0WAVEfmt '],
    ['an AVI video', 'RIFF\x24\0\0\0AVI LIST'],
    ['an SVG drawing', '<svg xmlns="http://www.w3.org/2000/svg">'],
    ['an SVG drawing', '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- x -->\n<svg\n>'],
    ['an SVG drawing', '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x"><svg >'],
    ['an HTML page', '\n <!DOCTYPE html><html>'],
    ['an HTML page', '<html><body>404</body>'],
    ['an XML or HTML document', '<rss version="2.0">'],
    ['a data URL', 'data:image/png;base64,iVBORw0KGgo='],
    ['a URL', 'https://example.com/a.png'],
    ['an image in base64', '/9j/4AAQSkZJRgABAQ'],
    ['an image in base64', 'iVBORw0KGgoAAAANSUhEUgAA'],
    ['JSON text', '{"image": 1}'],
    ['a PNM image', 'P6 2 2 255 '],
    ['text', 'hello, this is not an image'],
    ['text', '\xff\xfeh\0i\0'],
    ['an executable', '\x7fELF\x02\x01'],
    ['of an unknown kind (4 bytes)', '\x01\x02\x03\x04'],
    ['empty', ''],
  ])('refuses by name: %s', (name, start) => {
    const error = refusal(bytes(start));
    expect(error).toMatchObject({ code: 'image.format_unsupported' });
    expect(String(error)).toContain(`The image is ${name}`);
    expect(String(error)).toContain('JPEG, PNG, WebP, GIF or BMP');
  });

  it('is not deceived by an image header behind another format', () => {
    expect(String(refusal(bytes('PK\x03\x04 \x89PNG\r\n\x1a\n')))).toContain('a ZIP archive');
  });

  it.each(['\xff\xd8', '\x89PNG\r\n\x1a', 'RIFF\0\0\0\0WEB', 'GIF89', 'B'])(
    'refuses a start that is cut short: %j',
    (start) => expect(refusal(bytes(start))).toMatchObject({ code: 'image.format_unsupported' }),
  );

  it('looks at a bounded part of long text', () => {
    expect(String(refusal(Buffer.alloc(20_000_000, '<svx ')))).toContain('an XML or HTML document');
  });
});
