// Runs npm for `takeoff gpu install`: with whatever registry, proxy, key and cache this user's npm is configured for, so that a
// package comes from where all others come from, and out of npm's cache where there is no network.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { CommandError } from '../../errors.js';

const runFile = promisify(execFile);

/** npm prints the description of a package and nothing larger. */
const MAX_OUTPUT_BYTES = 4 * 2 ** 20;

export interface PublishedPackage {
  /** Hash of the archive in the form of Subresource Integrity. */
  readonly integrity: string;
  /** Unpacked. */
  readonly bytes: number;
}

const publishedSchema = z.object({ integrity: z.string(), unpackedSize: z.number().default(0) });

/** What the registry says of a package. @throws CommandError when it has none, or cannot be asked */
export async function viewPackage(spec: string, signal: AbortSignal): Promise<PublishedPackage> {
  const text = await npm(['view', spec, 'dist', '--json', '--prefer-offline'], { spec, signal });
  const parsed = publishedSchema.safeParse(text === '' ? undefined : JSON.parse(text));
  if (!parsed.success)
    throw new CommandError(
      'command.incomplete',
      `npm knows no ${spec} in the registry that it is configured for.`,
    );
  return { integrity: parsed.data.integrity, bytes: parsed.data.unpackedSize };
}

/** Unpacks a package into node_modules of `folder`; npm compares the archive with the registry's hash. @throws CommandError */
export async function installPackage(spec: string, folder: string, signal: AbortSignal): Promise<void> {
  const quiet = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await npm(['install', '--prefix', folder, ...quiet, spec], { spec, signal });
}

async function npm(
  args: readonly string[],
  { spec, signal }: { readonly spec: string; readonly signal: AbortSignal },
): Promise<string> {
  // npm is a script on Windows, which only a shell runs. Nothing in the arguments is special to one.
  const options = { signal, maxBuffer: MAX_OUTPUT_BYTES, shell: process.platform === 'win32' };
  try {
    return (await runFile('npm', args, options)).stdout.trim();
  } catch (cause) {
    signal.throwIfAborted();
    throw new CommandError(
      'command.incomplete',
      `npm could not fetch ${spec}: ${reasonIn(cause)}. "npm config get registry" shows where it looks.`,
      { cause },
    );
  }
}

/** The first line of npm's own error, without its prefix. */
function reasonIn(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
  const lines = said
    .split('\n')
    .map((line) => line.replace(/^npm (?:error|ERR!) ?/u, '').trim())
    .filter((line) => line !== '' && !line.startsWith('code '));
  return lines[0] ?? (error instanceof Error ? error.message : String(error));
}
