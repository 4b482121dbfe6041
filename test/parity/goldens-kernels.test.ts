// The golden cases with our own kernels, where this processor has some; otherwise llama.cpp's run once more. A sample in `npm test`
// (goldens-http.test.ts, whose servers choose kernels likewise, has the other cases), all of them in `npm run test:goldens`.
import { isLongForm } from '../../harness/long-form.js';
import { GOLDEN_CASES, OTHER_GOLDEN_SAMPLE } from './golden-case.js';
import { describeGoldens } from './goldens-suite.js';

describeGoldens('auto', isLongForm('test:goldens') ? GOLDEN_CASES : OTHER_GOLDEN_SAMPLE);
