// Size of a GIF image: the logical screen, or the first frame where that reaches beyond the screen (decoders grow the canvas).
import type { HeaderBytes, ImageSize } from './bytes.js';

/** Extension blocks in front of the first frame: comments, application data, one graphic control. Real files have 2 to 5. */
const MAX_EXTENSIONS = 1000;
/** Sub-blocks of at most 255 bytes; colour profiles and XMP packets of real files take up to a few thousand. */
const MAX_SUB_BLOCKS = 100_000;

/** The part of the canvas that the first frame covers. */
export interface GifFrame extends ImageSize {
  readonly leftPx: number;
  readonly topPx: number;
  /** Offset of its data, which begin with the bits of a pixel. */
  readonly dataStart: number;
}

export function gifSize(bytes: HeaderBytes): ImageSize {
  const frame = firstGifFrame(bytes);
  return {
    widthPx: Math.max(bytes.u16le(6), frame.leftPx + frame.widthPx),
    heightPx: Math.max(bytes.u16le(8), frame.topPx + frame.heightPx),
  };
}

export function firstGifFrame(bytes: HeaderBytes): GifFrame {
  const descriptor = firstDescriptor(bytes);
  const flags = bytes.u8(descriptor + 9);
  const frame = {
    leftPx: bytes.u16le(descriptor + 1),
    topPx: bytes.u16le(descriptor + 3),
    widthPx: bytes.u16le(descriptor + 5),
    heightPx: bytes.u16le(descriptor + 7),
    dataStart: descriptor + 10 + paletteBytes(flags),
  };
  if (frame.widthPx < 1 || frame.heightPx < 1)
    throw bytes.broken(`its first frame has ${frame.widthPx} × ${frame.heightPx} pixels`);
  return frame;
}

/** Of the flags of a screen or of a frame. */
const paletteBytes = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);

/** Offset of the first image descriptor. */
function firstDescriptor(bytes: HeaderBytes): number {
  let offset = 13 + paletteBytes(bytes.u8(10));
  let subBlocks = 0;
  for (let extension = 0; extension < MAX_EXTENSIONS; extension += 1) {
    const introducer = bytes.u8(offset);
    if (introducer === 0x2c) return offset;
    if (introducer !== 0x21) throw bytes.broken('it has no frame');
    offset += 2;
    for (let length = bytes.u8(offset); length !== 0; length = bytes.u8(offset)) {
      offset += 1 + length;
      subBlocks += 1;
      if (subBlocks > MAX_SUB_BLOCKS) throw bytes.broken('its extensions do not end');
    }
    offset += 1;
  }
  throw bytes.broken(`more than ${MAX_EXTENSIONS} extensions stand before its first frame`);
}
