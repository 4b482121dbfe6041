// The tower's types with our own kernels, where this processor has some; otherwise llama.cpp's run once more.
import { describeTowerTypes } from './tower-types-suite.js';

describeTowerTypes('auto');
