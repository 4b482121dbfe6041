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
  ['an origin with a path', 'https://app.example/'],
  ['a host without a scheme', 'app.example'],
  ['the default port, which browsers leave out', 'https://app.example:443'],
  ['capitals, which browsers turn into small letters', 'https://App.example'],
  ['an origin with a user name', 'https://me@app.example'],
  ['a host pattern', 'https://*.example'],
  ['null, the origin of every sandboxed frame', 'null'],
  ['* beside other origins', '*, https://app.example'],
])('cors_origins refuses %s', (_, text) => {
  expect(isTaken(text)).toBe(false);
});
