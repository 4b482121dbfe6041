// Where the two APIs of a server are.
import { InvalidInputError } from './errors.js';
import type { ClientOptions } from './options.js';

export interface ServerAddresses {
  /** Without a slash at the end. */
  readonly inference: string;
  readonly management: string;
}

const DEFAULT_PORT = 3000;
const MAX_PORT = 65_535;

/** @throws InvalidInputError when no address comes out of them */
export function serverAddresses({
  baseUrl = 'http://localhost',
  port,
  managementPort,
}: Pick<ClientOptions, 'baseUrl' | 'port' | 'managementPort'>): ServerAddresses {
  const base = parseBase(baseUrl);
  const inferencePort = port ?? (base.port === '' ? DEFAULT_PORT : Number(base.port));
  return {
    inference: withPort(base, 'port', inferencePort),
    management: withPort(base, 'managementPort', managementPort ?? inferencePort + 1),
  };
}

function parseBase(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  const isUsable =
    (url?.protocol === 'http:' || url?.protocol === 'https:') &&
    url.username + url.password + url.search + url.hash === '';
  if (url !== undefined && isUsable) return url;
  throw new InvalidInputError(
    `baseUrl is ${JSON.stringify(baseUrl)}; allowed is an http or https address without a name, a password or a query, such as "http://localhost".`,
  );
}

function withPort(base: URL, option: string, port: number): string {
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT)
    throw new InvalidInputError(`${option} is ${port}; allowed is a whole number from 1 to ${MAX_PORT}.`);
  const url = new URL(base);
  url.port = String(port);
  return url.href.replace(/\/+$/u, '');
}
