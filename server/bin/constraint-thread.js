// Where the thread starts that tries constraints (server/src/reader/constraint/).
import { serveTrials } from '../dist/programs/constraint-thread.js';

await serveTrials();
