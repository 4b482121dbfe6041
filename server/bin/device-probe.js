// Where a process starts that asks one build of llama.cpp for its GPUs (server/src/native/gpu/probe.ts).
import { printProbe } from '../dist/native/gpu/probe-program.js';

printProbe(process.argv[2] ?? '');
