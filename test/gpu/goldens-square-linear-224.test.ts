import { testGoldenInF32 } from './goldens-suite.js';

await testGoldenInF32('square-linear-224');
