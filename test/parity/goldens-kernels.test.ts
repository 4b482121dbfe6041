// The golden cases with our own kernels, where this processor has some; otherwise llama.cpp's run once more.
import { describeGoldens } from './goldens-suite.js';

describeGoldens('auto');
