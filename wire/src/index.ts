export * from './error-codes.js';
export * from './generate-request.js';
export * from './page-status.js';
export * from './sse-decoder.js';
export * from './sse-encoder.js';
export * from './status.js';
export * from './stream-events.js';
