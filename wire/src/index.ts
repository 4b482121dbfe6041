export * from './error-codes.js';
export * from './generate-request.js';
