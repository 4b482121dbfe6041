// How much of a long test runs. `npm test` runs a sample of each; the whole of one runs under an npm script of its own, and the whole
// of all of them under `npm run test:long`.

/** Whether npm runs the script of this long test, or all of them. */
export function isLongForm(script: `test:${string}`): boolean {
  const running = process.env['npm_lifecycle_event'];
  return running === script || running === 'test:long';
}
