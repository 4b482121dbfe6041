// The golden cases with llama.cpp's own kernels. `npm test` runs one checkpoint of each language model and of each way to cut an image,
// `npm run test:goldens` all of them.
import { isLongForm } from '../long-form.js';
import { GOLDEN_CASES } from './golden-case.js';
import { describeGoldens } from './goldens-suite.js';

const SAMPLE = ['v15-llama-pad', 'v16-mistral-anyres'];

describeGoldens('off', isLongForm('test:goldens') ? GOLDEN_CASES : SAMPLE);
