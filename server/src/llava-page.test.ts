// docs/llava.md is written for people, but its numbers, templates and keys must be those of the program.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configSchema } from './checkpoint/source/config-schema.js';
import { placeOnGrid } from './image/anyres.js';
import { layoutImage } from './image/geometry.js';
import type { PromptPart, Turn } from './link/requests/messages.js';
import { TEMPLATE_NAMES, type TemplateName, type VisionSettings } from './model/description.js';
import type { PromptPiece } from './reader/prompt/pieces.js';
import { renderTemplate, stopStringsOf } from './reader/prompt/templates.js';

const page = readFileSync(new URL('../../docs/llava.md', import.meta.url), 'utf8');

const sectionOf = (heading: string): string => page.split(`\n### ${heading}\n`)[1]?.split(/\n##+ /u)[0] ?? '';

/** Tables of a section: rows of cells, without the heads. */
const tablesOf = (heading: string): string[][][] =>
  sectionOf(heading)
    .split('\n\n')
    .filter((block) => block.startsWith('|'))
    .map((block) =>
      block
        .trim()
        .split('\n')
        .slice(2)
        .map((row) =>
          row
            .split(/(?<!\\)\|/u)
            .slice(1, -1)
            .map((cell) => cell.trim().replaceAll('\\|', '|')),
        ),
    );

const codeOf = (cell = ''): string[] => Array.from(cell.matchAll(/`([^`]+)`/gu), ([, code = '']) => code);

describe('the sizes of docs/llava.md', () => {
  const gridPinpoints = Array.from(
    (/the official list ([^.]+)\./u.exec(page.replaceAll(/\s+/gu, ' '))?.[1] ?? '').matchAll(
      /\((\d+), (\d+)\)/gu,
    ),
    ([, width, height]): [number, number] => [Number(width), Number(height)],
  );
  const layoutAs = (mergeType: VisionSettings['mergeType'], width: number, height: number) =>
    layoutImage(width, height, {
      sidePx: 336,
      patchPx: 14,
      aspect: 'anyres',
      gridPinpoints,
      mergeType,
      keepsClassToken: false,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
  const [rows = []] = tablesOf('5.5 Rows an image takes');

  it('are nineteen, for the five official pinpoints', () => {
    expect(gridPinpoints).toHaveLength(5);
    expect(rows).toHaveLength(19);
  });

  it.each(rows)('%s: canvas, tiles, place, map and rows are those of the program', (image = '', ...cells) => {
    const [width = 0, height = 0] = image.split(' × ').map(Number);
    const place = placeOnGrid(width, height, gridPinpoints);
    const layout = layoutAs('spatial_unpad', width, height);
    expect(cells).toEqual([
      place.pinpoint.join(' × '),
      String(layout.tileCount),
      `${place.resizedWidthPx} × ${place.resizedHeightPx}`,
      `${String(layout.map?.rows)} × ${String(layout.map?.columns)}`,
      String(layout.imageTokens),
      String(layoutAs('flat', width, height).imageTokens),
    ]);
    expect(layoutAs('spatial', width, height).imageTokens).toBe(layoutAs('flat', width, height).imageTokens);
  });
});

describe('the templates of docs/llava.md', () => {
  const [prompts = [], systems = []] = tablesOf('6.2 Templates');
  const rowOf = (rows: string[][], name: TemplateName) =>
    rows.find(([names]) => codeOf(names).includes(name));
  const say = (role: Turn['role'], text: string): Turn => ({ role, parts: [{ kind: 'text', text }] });
  const image: PromptPart = { kind: 'image', image: 0 };
  const asked: Turn = { role: 'user', parts: [image, { kind: 'text', text: 'Q' }] };
  const turns = [asked, say('assistant', '{A}'), say('user', '{R}')];
  const show = (pieces: readonly PromptPiece[]): string =>
    pieces
      .map((piece) => {
        if (piece.kind === 'image') return '<image>';
        return piece.kind === 'text' ? piece.text : `‹${piece.content}›`;
      })
      .join('')
      .replace('<image>\nQ', '{Q}');

  it.each(TEMPLATE_NAMES)('%s: prompt, stop text and system text are those of the program', (name) => {
    const [, prompt, stop] = rowOf(prompts, name) ?? [];
    const [, system] = rowOf(systems, name) ?? [];
    const [documented = ''] = codeOf(prompt);
    const spelt = documented.replaceAll('\\n', '\n').replace('{system}', codeOf(system)[0] ?? '');
    expect(show(renderTemplate(name, { system: null, turns }, false))).toBe(spelt);
    expect(stopStringsOf(name)).toEqual(codeOf(stop));
  });
});

describe('the configuration of docs/llava.md', () => {
  const keys = Object.keys(configSchema.shape).filter((key) => !key.startsWith('_'));

  it.each(keys)('says what %s does', (key) => expect(codeOf(page)).toContain(key));
});
