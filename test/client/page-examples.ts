// Extracts the programs that the documentation prints and runs them unchanged. They call the default ports; a preloaded line
// redirects those calls to the ports of the test's server.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { RunningServer } from '../../harness/running-server.js';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Blocks of one language on a page of the repository, in its order. */
export function examplesOf(page: string, language: 'js' | 'html' | 'python'): string[] {
  const text = readFileSync(ROOT + page, 'utf8');
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gmsu)]
    .filter(([, name]) => name === language)
    .map(([, , code = '']) => code);
}

/** A line of JavaScript that redirects requests to the default ports to this server. */
export const redirection = ({ url, managementUrl, openaiUrl }: RunningServer): string => `
  const original = globalThis.fetch;
  const ports = { 3000: ${new URL(url).port}, 3001: ${new URL(managementUrl).port}, 3003: ${new URL(openaiUrl).port} };
  globalThis.fetch = (address, init) =>
    original(String(address).replace(/^http:\\/\\/localhost:(3000|3001|3003)\\//, (_, port) => \`http://localhost:\${ports[port]}/\`), init);`;

export interface ProgramRun {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Longer than any answer of the demo model takes. A program that does not end by itself is killed then and has no exit code. */
const PROGRAM_TIMEOUT_MS = 60_000;

/** Runs an ES module as `node example.mjs` in a folder does; in the repository's unless another is named. */
export async function runProgram(code: string, server: RunningServer, folder = ROOT): Promise<ProgramRun> {
  const preload = `data:text/javascript,${encodeURIComponent(redirection(server))}`;
  const child = spawn(process.execPath, ['--import', preload, '--input-type=module'], {
    cwd: folder,
    timeout: PROGRAM_TIMEOUT_MS,
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(code);
  await once(child, 'close');
  return { code: child.exitCode, out, err };
}
