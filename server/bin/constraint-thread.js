// Where the thread starts that tries constraints (server/src/reader/constraint/).
import { serveTrials } from '../dist/reader/constraint/serve-trials.js';

await serveTrials();
