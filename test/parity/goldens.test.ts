// The golden cases with llama.cpp's own kernels: a sample in `npm test`, all of them in `npm run test:goldens`.
import { isLongForm } from '../../harness/long-form.js';
import { GOLDEN_CASES, GOLDEN_SAMPLE } from './golden-case.js';
import { describeGoldens } from './goldens-suite.js';

describeGoldens('off', isLongForm('test:goldens') ? GOLDEN_CASES : GOLDEN_SAMPLE);
