// docs/models.md is written for people, but the names in it must be those of the program.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { TEXT_QUANTS } from '../../model/quantisation.js';

const page = readFileSync(new URL('../../../../docs/models.md', import.meta.url), 'utf8');

describe('docs/models.md', () => {
  it.each(TEXT_QUANTS)('names the type %s', (type) => expect(page).toContain(type));

  it.each([
    'LlavaLlamaForCausalLM',
    'LlavaMistralForCausalLM',
    'LlavaForConditionalGeneration',
    'LlavaNextForConditionalGeneration',
  ])('names the architecture %s', (name) => expect(page).toContain(`\`${name}\``));

  it.each(['EXIF', 'Transparency', '16-bit', 'truncated', 'do not fit', 'Special tokens'])(
    'lists the deliberate difference about %s',
    (words) => {
      const rows = page
        .split('on purpose\n')[1]
        ?.split('\n')
        .filter((line) => line.startsWith('|'));
      expect(rows?.join('\n')).toContain(words);
    },
  );
});
