// Whether the hostile tests run in full, which `npm run test:hostile` does; `npm test` runs a sample of the long ones.

export const isFull = process.env['npm_lifecycle_event'] === 'test:hostile';
