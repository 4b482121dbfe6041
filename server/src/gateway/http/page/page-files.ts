// The built page, read into memory once: no request of it ever touches a file. Each file is kept as it is and compressed, by the
// build where that has done it, which saves a tenth of a second of every start.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { ConfigError } from '../../../errors.js';

export interface PageFile {
  /** Address below that of the page, such as `assets/index-4f2a.js`. */
  readonly name: string;
  readonly contentType: string;
  readonly etag: string;
  readonly plain: Buffer;
  /** Null where compressing gains nothing. */
  readonly brotli: Buffer | null;
  readonly gzip: Buffer | null;
}

export interface PageFiles {
  readonly html: PageFile;
  /** Files with a hash of their content in their name. */
  readonly assets: readonly PageFile[];
}

const HTML = 'index.html';
const ASSETS = 'assets';
/** Endings that `playground/build.js` gives to compressed forms of a file. */
const BROTLI = '.br';
const GZIP = '.gz';
const COMPRESSED: ReadonlySet<string> = new Set([BROTLI, GZIP]);

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
};

/** Of what is compressed at the start: 9 takes some milliseconds a file; 11, ten times as many for 2 % fewer bytes. */
const BROTLI_QUALITY = 9;

/**
 * `apiAddress`: where the page sends its requests; null: to where it comes from.
 * @throws ConfigError when the page has not been built
 */
export function readPageFiles(folder: string, apiAddress: string | null): PageFiles {
  if (!existsSync(path.join(folder, HTML)))
    throw new ConfigError(
      `The page is not in ${folder}. Build it with \`npm run build\`, or switch it off with playground: false (TAKEOFF_PLAYGROUND=false).`,
    );
  const html = readFileSync(path.join(folder, HTML), 'utf8');
  return {
    html: pageFile(HTML, Buffer.from(withApiAddress(html, apiAddress))),
    assets: readdirSync(path.join(folder, ASSETS))
      .filter((name) => !COMPRESSED.has(path.extname(name)))
      .sort()
      .map((name) => readAsset(path.join(folder, ASSETS), name)),
  };
}

function readAsset(folder: string, name: string): PageFile {
  const file = path.join(folder, name);
  const compressed = (ending: string) =>
    existsSync(file + ending) ? readFileSync(file + ending) : undefined;
  return pageFile(`${ASSETS}/${name}`, readFileSync(file), {
    brotli: compressed(BROTLI),
    gzip: compressed(GZIP),
  });
}

/** Whatever is not there compressed is compressed now. */
export function pageFile(
  name: string,
  plain: Buffer,
  built: { readonly brotli?: Buffer | undefined; readonly gzip?: Buffer | undefined } = {},
): PageFile {
  const contentType = CONTENT_TYPES[path.extname(name)] ?? 'application/octet-stream';
  const isText = contentType.includes('charset') || contentType.includes('svg');
  const params = { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY };
  return {
    name,
    contentType,
    etag: `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`,
    plain,
    brotli: isText ? (built.brotli ?? brotliCompressSync(plain, { params })) : null,
    gzip: isText ? (built.gzip ?? gzipSync(plain, { level: 9 })) : null,
  };
}

/** The page reads the address from this element of its head. */
const API_ELEMENT = '<meta name="takeoff-api" content="" />';

function withApiAddress(html: string, apiAddress: string | null): string {
  if (apiAddress === null) return html;
  const attribute = apiAddress.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
  return html.replace(API_ELEMENT, () => API_ELEMENT.replace('""', `"${attribute}"`));
}
