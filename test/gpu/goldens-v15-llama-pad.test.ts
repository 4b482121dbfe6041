import { testGoldenInF32 } from './goldens-suite.js';

await testGoldenInF32('v15-llama-pad');
