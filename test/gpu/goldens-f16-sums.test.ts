// Sums in f16, which llama.cpp takes on Vulkan where nothing else is asked for: behind the 2,900 rows of an image in tiles a token that
// leads by 0.063 in the reference comes second.
import { describe, it } from 'vitest';
import { isLongForm } from '../../harness/long-form.js';
import { GOLDEN_CASES } from '../parity/golden-case.js';
import { testGoldensOnGpu } from './goldens-suite.js';

if (isLongForm('test:gpu')) await testGoldensOnGpu({ cases: GOLDEN_CASES, sums: 'f16', closeMargin: 0.1 });
else
  describe.skip('the goldens with sums in f16', () => {
    it('run with npm run test:gpu', () => undefined);
  });
