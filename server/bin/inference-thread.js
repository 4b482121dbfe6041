// Where the inference thread of a reader starts (server/src/native/inference/).
import { serveJobs } from '../dist/native/inference/serve-jobs.js';

serveJobs();
