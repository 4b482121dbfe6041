import { testGoldensOnGpu } from './goldens-suite.js';

await testGoldensOnGpu(['v16-mistral-anyres'], 'f32');
