import { describe, expect, it } from 'vitest';
import { RecordingTerminal } from '../../../../test/oracles/recording-terminal.js';
import { SkippedFiles } from './skipped-files.js';

const told = (fill: (skipped: SkippedFiles) => void): string => {
  const [skipped, terminal] = [new SkippedFiles(), new RecordingTerminal()];
  fill(skipped);
  skipped.tell(terminal);
  return terminal.complained;
};

describe('SkippedFiles', () => {
  it('says nothing where nothing was skipped', () => {
    expect(told(() => undefined)).toBe('');
  });

  it('tells each reason once, with the names, and what can be done', () => {
    const text = told((skipped) => {
      skipped.add('gone.png', 'broken link');
      skipped.add('a.heic', 'convertible');
      skipped.add('b.tif', 'convertible');
    });
    expect(text).toBe(
      'Skipped 2 TIFF, AVIF or HEIC images; --convert reads them:\n  a.heic\n  b.tif\n' +
        'Skipped 1 link that leads nowhere:\n  gone.png\n',
    );
  });

  it('tells a few names of many', () => {
    const text = told((skipped) => {
      for (let n = 0; n < 1000; n += 1) skipped.add(`${n}.heic`, 'convertible');
    });
    expect(text).toContain('Skipped 1000 TIFF, AVIF or HEIC images');
    expect(text).toContain('  4.heic\n  and 995 more\n');
  });
});
