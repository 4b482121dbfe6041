// Where the API is. The page works below any path of a proxy, and with the API on another origin, so nothing here is absolute.
import type { ClientOptions } from 'takeoff-client';

/**
 * Without a slash at the end. `configured` stands in the document's head; empty, the API is where the page comes from.
 * `page` is the address of the document.
 */
export function apiAddress(configured: string, page: string): string {
  const { origin, pathname } = new URL(configured === '' ? '.' : configured, page);
  return (origin + pathname).replace(/\/+$/u, '');
}

/** The library takes 3000 for the port of an address that names none; a page's address means that of its scheme. */
export function clientAddress(address: string): Pick<ClientOptions, 'baseUrl' | 'port'> {
  const { protocol, port } = new URL(address);
  const standard = protocol === 'https:' ? 443 : 80;
  return { baseUrl: address, port: port === '' ? standard : Number(port) };
}
