// What a file is by its name, where a folder or a pattern is named. A file that is named itself is tried whatever its name.

/** Formats that the server takes. */
export const TAKEN_ENDINGS: readonly string[] = ['jpg', 'jpeg', 'jpe', 'jfif', 'png', 'webp', 'gif', 'bmp'];
/** Formats that --convert reads. */
export const CONVERTIBLE_ENDINGS: readonly string[] = ['tif', 'tiff', 'avif', 'heic', 'heif', 'hif'];
/** Images all the same: drawings, documents of editors, raw data of cameras. */
const OTHER_ENDINGS: readonly string[] = [
  ...[
    'jxl',
    'jp2',
    'j2k',
    'jpx',
    'svg',
    'svgz',
    'psd',
    'psb',
    'xcf',
    'ai',
    'eps',
    'ico',
    'cur',
    'icns',
    'tga',
    'pcx',
  ],
  ...[
    'dds',
    'exr',
    'hdr',
    'qoi',
    'pbm',
    'pgm',
    'ppm',
    'pnm',
    'pam',
    'xbm',
    'xpm',
    'jng',
    'mng',
    'fits',
    'dcm',
  ],
  ...[
    'dng',
    'cr2',
    'cr3',
    'crw',
    'nef',
    'nrw',
    'arw',
    'srf',
    'sr2',
    'orf',
    'rw2',
    'raf',
    'pef',
    'srw',
    'x3f',
    '3fr',
  ],
];

export type NamedKind = 'taken' | 'convertible' | 'other image' | 'no image';

const KINDS = new Map<string, NamedKind>([
  ...TAKEN_ENDINGS.map((ending) => [ending, 'taken'] as const),
  ...CONVERTIBLE_ENDINGS.map((ending) => [ending, 'convertible'] as const),
  ...OTHER_ENDINGS.map((ending) => [ending, 'other image'] as const),
]);

export const kindByName = (file: string): NamedKind =>
  KINDS.get(/\.([^./\\]+)$/u.exec(file)?.[1]?.toLowerCase() ?? '') ?? 'no image';
