// Size of a WebP image (RFC 9649): the canvas of VP8X, or the frame header of a lone VP8 or VP8L chunk.
import type { HeaderBytes, ImageSize } from './bytes.js';

export function webpSize(bytes: HeaderBytes): ImageSize {
  const chunk = bytes.tag(12);
  switch (chunk) {
    case 'VP8X':
      return { widthPx: bytes.u24le(24) + 1, heightPx: bytes.u24le(27) + 1 };
    case 'VP8L': {
      if (bytes.u8(20) !== 0x2f) throw bytes.broken('its VP8L chunk has no signature');
      const packed = bytes.u32le(21);
      return { widthPx: (packed & 0x3fff) + 1, heightPx: ((packed >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8 ':
      if (bytes.u24le(23) !== 0x2a019d) throw bytes.broken('its VP8 chunk has no start code');
      return { widthPx: bytes.u16le(26) & 0x3fff, heightPx: bytes.u16le(28) & 0x3fff };
    default:
      throw bytes.broken('its first chunk is not VP8, VP8L or VP8X');
  }
}
