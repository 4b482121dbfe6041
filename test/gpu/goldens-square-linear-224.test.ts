import { testGoldensOnGpu } from './goldens-suite.js';

await testGoldensOnGpu(['square-linear-224'], 'f32');
