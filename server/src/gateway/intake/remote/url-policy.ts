// Which URLs may be fetched at all, validated on one WHATWG parse; the parsed object is what is dialled, never the text again. It
// knows nothing of addresses: a name that leads to a private one passes here and is refused after it was resolved.
import { InputError } from '../../../errors.js';

export interface UrlPolicy {
  readonly ports: readonly number[];
  /** Exact names, or `*.name` for what lies below a name. Empty: any. */
  readonly domains: readonly string[];
  /** Exact names whose addresses may be private, because the operator said so. They need not be in `domains`. */
  readonly privateHosts: readonly string[];
}

/** Attack: megabytes of URL in a prompt or a Location header. Largest real value: signed storage URLs of about 2,000. */
const MAX_URL_CHARS = 8192;
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Throws `image.url_refused`. The messages name no part of the URL but scheme, host and port: the rest may hold secrets. */
export function validateUrl(text: string, policy: UrlPolicy): URL {
  if (text.length > MAX_URL_CHARS) {
    throw refused(`it has ${text.length} characters; allowed are ${MAX_URL_CHARS}`);
  }
  // Parsers disagree about both: WHATWG reads a backslash as a slash, and drops line breaks and tabs.
  if (/[\\\s\p{Cc}]/u.test(text)) throw refused('it has a backslash, white space or a control character');
  const scheme = /^([a-z][a-z0-9+.-]*):/iu.exec(text)?.[1] ?? 'none';
  if (!/^https?:\/\/[^/?#]/iu.test(text)) {
    throw refused(`its scheme is ${scheme.slice(0, 20)}; allowed are http://HOST and https://HOST`);
  }
  if (!URL.canParse(text)) throw refused('it is no valid URL');
  const url = new URL(text);
  if (/^[^/]*\/\/[^/?#]*@/u.test(text)) throw refused('it has a user name or password');
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : Number(url.port);
  if (port === undefined || !policy.ports.includes(port)) {
    throw refused(
      `its port is ${port ?? 'unknown'}; allowed are ${policy.ports.join(', ')} (remote_image_ports)`,
    );
  }
  // An address with two dots behind it is a name to one parser; with one of them taken away it is the address.
  if (/^\.|\.\./u.test(url.hostname)) throw refused('its host has an empty part');
  // A final dot marks the same name as complete; without it certificates and lists match.
  if (url.hostname.endsWith('.')) url.hostname = url.hostname.slice(0, -1);
  validateHost(url.hostname, policy);
  return url;
}

/** A redirect's target, validated like a URL of a user; from https it may not lead to http. */
export function validateRedirect(from: URL, location: string, policy: UrlPolicy): URL {
  if (
    location.length > MAX_URL_CHARS ||
    /[\\\s\p{Cc}]/u.test(location) ||
    !URL.canParse(location, from.href)
  ) {
    throw refused('it redirects to something that is no URL');
  }
  const url = validateUrl(new URL(location, from).href, policy);
  if (from.protocol === 'https:' && url.protocol !== 'https:')
    throw refused('it redirects from https to http');
  return url;
}

/** Names that are private by definition are left to the address policy, so that their refusal reads like any other. */
function validateHost(host: string, { domains, privateHosts }: UrlPolicy): void {
  if (domains.length === 0 || privateHosts.includes(host)) return;
  const isListed = domains.some((domain) =>
    domain.startsWith('*.') ? host.endsWith(domain.slice(1)) : host === domain,
  );
  if (!isListed) throw refused(`its host ${host.slice(0, 100)} is not among remote_image_domains`);
}

const refused = (why: string): InputError =>
  new InputError('image.url_refused', `The image URL is refused: ${why}.`, { details: { reason: why } });
