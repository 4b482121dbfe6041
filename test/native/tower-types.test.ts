// The tower's types with llama.cpp's own kernels.
import { describeTowerTypes } from './tower-types-suite.js';

describeTowerTypes('off');
