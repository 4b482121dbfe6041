// What a run of `takeoff describe` leaves out, and why: counts of all of it, and the first names.
import type { Terminal } from '../terminal.js';

/** In the order in which they are told. */
export const SKIP_REASONS = [
  'convertible',
  'other image',
  'broken link',
  'linked folder',
  'unreadable',
] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

const TEXTS: Readonly<Record<SkipReason, readonly [one: string, many: string]>> = {
  convertible: [
    'TIFF, AVIF or HEIC image; --convert reads it',
    'TIFF, AVIF or HEIC images; --convert reads them',
  ],
  'other image': ['image of a format that is not read', 'images of formats that are not read'],
  'broken link': ['link that leads nowhere', 'links that lead nowhere'],
  'linked folder': [
    'link to a folder, which may lead in a circle; name the folder itself',
    'links to folders, which may lead in circles; name the folders themselves',
  ],
  unreadable: ['folder that cannot be read', 'folders that cannot be read'],
};

/** Of each reason. A folder of a thousand HEIC images is told by a few. */
const SHOWN_NAMES = 5;

export class SkippedFiles {
  readonly #names = new Map<SkipReason, string[]>();
  readonly #counts = new Map<SkipReason, number>();

  add(file: string, reason: SkipReason): void {
    const names = this.#names.get(reason) ?? [];
    if (names.length < SHOWN_NAMES) this.#names.set(reason, [...names, file]);
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  tell(terminal: Terminal): void {
    for (const reason of SKIP_REASONS) {
      const count = this.#counts.get(reason) ?? 0;
      if (count === 0) continue;
      const names = this.#names.get(reason) ?? [];
      const more = count > names.length ? `  and ${count - names.length} more\n` : '';
      const [one, many] = TEXTS[reason];
      terminal.err(
        `Skipped ${count} ${count === 1 ? one : many}:\n${names.map((name) => `  ${name}\n`).join('')}${more}`,
      );
    }
  }
}
