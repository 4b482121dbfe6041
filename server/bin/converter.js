// Where a process starts that converts one image for `takeoff describe` (server/src/cli/describe/convert/child/).
import '../dist/programs/converter.js';
