import { testGoldensOnGpu } from './goldens-suite.js';

await testGoldensOnGpu(['v15-llama-pad'], 'f32');
