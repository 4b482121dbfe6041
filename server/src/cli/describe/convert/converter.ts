// Images that the server does not take, made into ones that it takes, on this side. Each is read and decoded in a child process of its own,
// with a limit of time and of pixels and nothing of the environment, so that a hostile file costs its own image at most.
import { execFile } from 'node:child_process';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InvalidInputError } from 'takeoff-client';
import { convertibleFormat, type ConvertibleFormat, PROBE_BYTES } from './convertible.js';
import { REFUSED } from './refused.js';

export interface ConverterOptions {
  readonly maxImagePixels: number;
  /** Tests give less. */
  readonly timeoutMs?: number;
}

/** A HEIC photograph of 12 megapixels takes 3 to 12 seconds in WebAssembly, one of 48 a minute. */
const TIMEOUT_MS = 120_000;
/** Each may need 500 MB at 50 megapixels. */
const AT_ONCE = 2;
/** What a child may answer with. A JPEG of 50 megapixels has 30 MB. */
const MAX_ANSWER_BYTES = 256 * 2 ** 20;
/** Of JavaScript; pixels lie outside it. */
const HEAP_MIB = 256;

/** JavaScript, so that it can start whether this file is compiled or run from TypeScript by the tests. */
const PROGRAM = fileURLToPath(new URL('../../../../bin/converter.js', import.meta.url));
const runFile = promisify(execFile);

export class Converter {
  readonly #options: ConverterOptions;
  /** Each converts one image after the other. */
  readonly #lanes: Promise<unknown>[] = Array.from({ length: AT_ONCE }, () => Promise.resolve());
  #next = 0;

  constructor(options: ConverterOptions) {
    this.#options = options;
  }

  /**
   * The path itself where the server takes the format or nobody knows it, otherwise the bytes of a PNG or JPEG image.
   * @throws InvalidInputError for a file that cannot be converted
   */
  async imageOf(path: string): Promise<string | Uint8Array> {
    const format = await formatOf(path);
    if (format === null) return path;
    const lane = this.#next;
    this.#next = (lane + 1) % AT_ONCE;
    const converted = (this.#lanes[lane] ?? Promise.resolve()).then(() => this.#convert(path, format));
    this.#lanes[lane] = converted.catch(() => undefined);
    return converted;
  }

  async #convert(path: string, format: ConvertibleFormat): Promise<Uint8Array> {
    const { maxImagePixels, timeoutMs = TIMEOUT_MS } = this.#options;
    const args = [`--max-old-space-size=${HEAP_MIB}`, PROGRAM, format, String(maxImagePixels), path];
    try {
      const { stdout } = await runFile(process.execPath, args, {
        encoding: 'buffer',
        env: { MALLOC_ARENA_MAX: '2' },
        killSignal: 'SIGKILL',
        maxBuffer: MAX_ANSWER_BYTES,
        timeout: timeoutMs,
      });
      return stdout;
    } catch (cause) {
      throw new InvalidInputError(`The ${format} image could not be converted: ${whyOf(cause, timeoutMs)}`, {
        cause,
      });
    }
  }
}

async function formatOf(path: string): Promise<ConvertibleFormat | null> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(PROBE_BYTES), 0, PROBE_BYTES, 0);
    return convertibleFormat(buffer.subarray(0, bytesRead));
  } catch {
    // The client reads it again and says why it cannot.
    return null;
  }
}

/** What the child wrote to standard error when it refused, or how it ended. */
function whyOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if ('killed' in error && error.killed === true) return `it took longer than ${timeoutMs / 1000} s.`;
  const said =
    'stderr' in error && error.stderr instanceof Buffer ? error.stderr.toString('utf8').trim() : '';
  if ('code' in error && error.code === REFUSED && said !== '') return said.slice(0, 500);
  const signal = 'signal' in error && typeof error.signal === 'string' ? error.signal : 'an error';
  return `the process that decodes it ended with ${signal}.`;
}
