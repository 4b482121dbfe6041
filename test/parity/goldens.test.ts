// The golden cases with llama.cpp's own kernels.
import { describeGoldens } from './goldens-suite.js';

describeGoldens('off');
