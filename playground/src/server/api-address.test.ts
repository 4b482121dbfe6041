import { describe, expect, it } from 'vitest';
import { apiAddress, clientAddress } from './api-address.js';

describe('apiAddress', () => {
  it.each([
    ['', 'http://127.0.0.1:3000/', 'http://127.0.0.1:3000'],
    ['', 'https://box.example/takeoff/', 'https://box.example/takeoff'],
    ['', 'https://box.example/takeoff/index.html?a=1#b', 'https://box.example/takeoff'],
    ['https://api.example', 'http://127.0.0.1:3000/', 'https://api.example'],
    ['https://api.example/takeoff/', 'http://127.0.0.1:3000/', 'https://api.example/takeoff'],
  ])('of %j on the page %s is %s', (configured, page, address) =>
    expect(apiAddress(configured, page)).toBe(address),
  );
});

describe('clientAddress', () => {
  it.each([
    ['http://127.0.0.1:3000', 3000],
    ['http://box.example/takeoff', 80],
    ['https://box.example/takeoff', 443],
  ])('of %s has the port %i', (address, port) =>
    expect(clientAddress(address)).toEqual({ baseUrl: address, port }),
  );
});
