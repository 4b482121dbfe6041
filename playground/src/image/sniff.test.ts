import { describe, expect, it } from 'vitest';
import { sniff } from './sniff.js';

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

describe('sniff', () => {
  it.each([
    ['\xff\xd8\xff\xe0', 'JPEG'],
    ['\x89PNG\r\n\x1a\n', 'PNG'],
    ['RIFF\0\0\0\0WEBPVP8 ', 'WebP'],
    ['GIF89a', 'GIF'],
    ['BM\x10\0\0\0\0\0\0\0', 'BMP'],
  ])('takes %j for %s', (start, format) => expect(sniff(bytes(start))).toEqual({ kind: 'accepted', format }));

  it.each([
    ['\0\0\0\x1cftypheic', 'convertible', 'a HEIC image'],
    ['\0\0\0\x1cftypavif', 'convertible', 'an AVIF image'],
    ['\0\0\0\x1cftypisom', 'refused', 'a video'],
    ['%PDF-1.7', 'refused', 'a PDF document'],
    ['<svg xmlns', 'refused', 'an SVG drawing'],
    ['BMW is a car', 'refused', 'no image'],
    ['', 'refused', 'an empty file'],
  ])('names %j as %s: %s', (start, kind, name) => expect(sniff(bytes(start))).toEqual({ kind, name }));
});
