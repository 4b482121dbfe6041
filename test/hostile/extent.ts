// How much the hostile tests do: bounded within `npm test`, everything under `npm run test:hostile`.

export const isFull = process.env['npm_lifecycle_event'] === 'test:hostile';
