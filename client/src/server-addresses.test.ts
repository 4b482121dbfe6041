import { expect, it } from 'vitest';
import { InvalidInputError } from './errors.js';
import { serverAddresses } from './server-addresses.js';

it.each([
  ['by default', {}, 'http://localhost:3000', 'http://localhost:3001'],
  ['with a port', { port: 8000 }, 'http://localhost:8000', 'http://localhost:8001'],
  ['with both ports', { port: 8000, managementPort: 9 }, 'http://localhost:8000', 'http://localhost:9'],
  ['with a host', { baseUrl: 'http://10.0.0.5' }, 'http://10.0.0.5:3000', 'http://10.0.0.5:3001'],
  ['with a port in the address', { baseUrl: 'http://h:81/' }, 'http://h:81', 'http://h:82'],
  [
    'with an option port before the port of the address',
    { baseUrl: 'http://h:81', port: 5 },
    'http://h:5',
    'http://h:6',
  ],
  [
    'behind a proxy',
    { baseUrl: 'https://h/takeoff/', port: 443 },
    'https://h/takeoff',
    'https://h:444/takeoff',
  ],
  ['with an IPv6 address', { baseUrl: 'http://[::1]' }, 'http://[::1]:3000', 'http://[::1]:3001'],
])('serverAddresses derives both addresses %s', (_, options, inference, management) => {
  expect(serverAddresses(options)).toEqual({ inference, management });
});

it.each([
  [{ baseUrl: 'localhost' }, 'baseUrl is "localhost"'],
  [{ baseUrl: 'localhost:3000' }, 'baseUrl is "localhost:3000"'],
  [{ baseUrl: 'file:///tmp' }, 'allowed is an http or https address'],
  [{ baseUrl: 'http://me:secret@host' }, 'without a name, a password or a query'],
  [{ baseUrl: 'http://host?x=1' }, 'without a name, a password or a query'],
  [{ port: 0 }, 'port is 0; allowed is a whole number from 1 to 65535'],
  [{ port: 1.5 }, 'port is 1.5'],
  [{ port: 65_535 }, 'managementPort is 65536'],
])('serverAddresses refuses %j', (options, sentence) => {
  expect(() => serverAddresses(options)).toThrow(InvalidInputError);
  expect(() => serverAddresses(options)).toThrow(sentence);
});
