import { testGoldenInF32 } from './goldens-suite.js';

await testGoldenInF32('v16-llama-anyres');
