// Where a process starts that decodes images (server/src/gateway/intake/decoder/).
import '../dist/programs/decoder.js';
