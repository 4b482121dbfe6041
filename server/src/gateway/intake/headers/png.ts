// Size of a PNG image: the IHDR chunk comes first and has a fixed place (PNG specification, section 11.2.2).
import type { HeaderBytes, ImageSize } from './bytes.js';

export function pngSize(bytes: HeaderBytes): ImageSize {
  if (bytes.tag(12) !== 'IHDR') throw bytes.broken('its first chunk is not IHDR');
  return { widthPx: bytes.u32be(16), heightPx: bytes.u32be(20) };
}
