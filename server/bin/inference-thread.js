// Where the inference thread of a reader starts (server/src/native/inference/).
import { serveJobs } from '../dist/programs/inference-thread.js';

serveJobs();
