import { expect, it } from 'vitest';
import { webOrigins } from './setting.js';

const { schema, fromText } = webOrigins();
const isTaken = (text: string): boolean => schema.safeParse(fromText(text)).success;

it.each([
  '',
  'https://app.example',
  'http://localhost:5173, https://app.example',
  'tauri://localhost',
  'http://[::1]:3000',
  '*',
])('cors_origins takes %j', (text) => {
  expect(isTaken(text)).toBe(true);
});

it.each([
  ['a path, which no browser sends', 'https://app.example/'],
  ['a host alone', 'app.example'],
  ['a port that the browser leaves out', 'https://app.example:443'],
  ['capitals, which the browser lowers', 'https://App.example'],
  ['a name and a password', 'https://me@app.example'],
  ['a pattern', 'https://*.example'],
  ['the origin that sandboxed frames of anybody have', 'null'],
  ['a wildcard beside names that it makes meaningless', '*, https://app.example'],
])('cors_origins refuses %s', (_, text) => {
  expect(isTaken(text)).toBe(false);
});
