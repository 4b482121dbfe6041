// Where a process starts that asks one build of llama.cpp for its GPUs (server/src/native/gpu/probe.ts).
import { printProbe } from '../dist/programs/device-probe.js';

printProbe(process.argv[2] ?? '');
