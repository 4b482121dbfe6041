import { testGoldensOnGpu } from './goldens-suite.js';

await testGoldensOnGpu(['v16-llama-anyres'], 'f32');
