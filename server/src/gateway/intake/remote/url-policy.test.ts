import { describe, expect, it } from 'vitest';
import { validateRedirect, validateUrl } from './url-policy.js';

const policy = { ports: [80, 443], domains: [], privateHosts: [] };
const refused = expect.objectContaining({ code: 'image.url_refused' }) as Error;

describe('validateUrl', () => {
  it.each([
    ['https://picsum.photos/id/237/200/300', 'https://picsum.photos/id/237/200/300'],
    ['HTTP://EXAMPLE.com:80/A?b#c', 'http://example.com/A?b#c'],
    ['https://example.com:443', 'https://example.com/'],
    ['https://example.com./x', 'https://example.com/x'],
    ['https://bücher.example/ä', 'https://xn--bcher-kva.example/%C3%A4'],
    ['https://example.com/a@b?c=d@e', 'https://example.com/a@b?c=d@e'],
  ])('takes %s', (text, href) => {
    expect(validateUrl(text, policy).href).toBe(href);
  });

  it.each([
    ['another scheme', 'ftp://example.com/x'],
    ['another scheme', 'file:///etc/passwd'],
    ['another scheme', 'data:image/png;base64,AAAA'],
    ['another scheme', 'gopher://example.com/'],
    ['no slashes', 'https:example.com'],
    ['no host', 'https:///example.com/x'],
    ['no host', 'https://'],
    ['a backslash', String.raw`http://127.0.0.1\@example.com/`],
    ['a backslash', String.raw`https://example.com\x`],
    ['a line break', 'https://exam\nple.com/'],
    ['a blank', 'https://example.com/a b'],
    ['a leading blank', ' https://example.com/'],
    ['NUL', 'https://example.com/\0'],
    ['a user name', 'https://user@example.com/'],
    ['an empty user name', 'https://@example.com/'],
    ['a password', 'https://u:p@example.com/'],
    ['an encoded host separator', 'https://example.com%2f@10.0.0.1/'],
    ['another port', 'https://example.com:8080/'],
    ['the port of another service', 'http://example.com:22/'],
    ['an empty part in its host', 'http://127.0.0.1../'],
    ['an empty part in its host', 'http://8.8.8.8.%2e/'],
    ['an empty part in its host', 'http://.example.com/'],
    ['an empty part in its host', 'http://./'],
    ['an impossible port', 'http://example.com:99999/'],
    ['an impossible address', 'http://1.2.3.4.5.6.7.8:80:90/'],
    ['great length', `https://example.com/${'x'.repeat(9000)}`],
  ])('refuses %s: %j', (_, text) => {
    expect(() => validateUrl(text, policy)).toThrow(refused);
  });

  it('keeps path and query out of its messages', () => {
    expect(() => validateUrl('https://example.com:1/path?token=secret', policy)).toThrow(
      /^(?!.*secret).*port is 1;/u,
    );
  });

  it('matches allowed domains exactly, or below a name', () => {
    const listed = { ...policy, domains: ['a.example', '*.b.example'], privateHosts: ['store.internal'] };
    const isTaken = (host: string): boolean => {
      try {
        return validateUrl(`https://${host}/`, listed).hostname !== '';
      } catch {
        return false;
      }
    };
    expect(
      ['a.example', 'A.EXAMPLE', 'a.example.', 'x.b.example', 'x.y.b.example', 'store.internal'].map(isTaken),
    ).toEqual(Array.from({ length: 6 }, () => true));
    expect(
      ['b.example', 'xa.example', 'x.a.example', 'xb.example', 'a.example.evil.test', '1.1.1.1'].map(isTaken),
    ).toEqual(Array.from({ length: 6 }, () => false));
  });
});

describe('validateRedirect', () => {
  const from = new URL('https://a.example/x/y');
  it.each([
    ['https://b.example/z', 'https://b.example/z'],
    ['//b.example/z', 'https://b.example/z'],
    ['/z', 'https://a.example/z'],
    ['z', 'https://a.example/x/z'],
  ])('follows %s', (location, href) => {
    expect(validateRedirect(from, location, policy).href).toBe(href);
  });

  it.each([
    'http://a.example/',
    'ftp://a.example/',
    'https://a.example:8443/',
    'https://u@a.example/',
    '/\\b.example',
    'https://',
  ])('refuses %s', (location) => expect(() => validateRedirect(from, location, policy)).toThrow(refused));

  it('may go from http to https', () => {
    expect(validateRedirect(new URL('http://a.example/'), 'https://a.example/', policy).protocol).toBe(
      'https:',
    );
  });
});
