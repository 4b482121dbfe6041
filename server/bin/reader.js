// Where a reader process starts (server/src/reader/main.ts).
import '../dist/programs/reader.js';
