// The flags of `takeoff describe`.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../../config/load-config.js';
import type { TakeoffConfig } from '../../config/resolve-config.js';
import { ConfigError } from '../../errors.js';
import { addRequestFlags, requestFields, type RequestFlags } from '../asking/request-flags.js';
import { ASKING_SETTINGS, addServerFlags, serverChoice, type ServerFlags } from '../asking/server-flags.js';
import { cancelOnSignals } from '../cancel-on-signals.js';
import { typedFlags } from '../setting-flags.js';
import type { Terminal } from '../terminal.js';
import type { DescribeCommand } from './describe.js';
import type { Output } from './outcome.js';

const DEFAULT_PROMPT = 'Describe the image to me.';
const FORMATS = ['jsonl', 'csv', 'txt'] as const;
const DEFAULT_MAX_WAIT_S = 1800;

interface DescribeFlags extends RequestFlags, ServerFlags {
  readonly prompt?: string;
  readonly format: (typeof FORMATS)[number];
  readonly out?: string;
  readonly concurrency?: number;
  readonly retryFailed?: boolean;
  readonly maxWait: number;
  readonly convert?: boolean;
}

export function describeCommand(terminal: Terminal): Command {
  const command = new Command('describe')
    .description(
      'Describes images: all of a folder, many at a time, going on where an earlier run ended.\n\n' +
        'Asks the server of --url, or the one that runs on this machine, or starts one for the run (--model).',
    )
    .argument('<path...>', "files, folders, patterns ('photos/**/*.jpg'), or - for a list on standard input")
    .option('--prompt <text>', `what to ask (default: "${DEFAULT_PROMPT}" in the model's own chat format)`)
    .addOption(
      new Option('--format <format>', 'JSON Lines, CSV, or a .txt file beside each image')
        .choices(FORMATS)
        .default('jsonl'),
    )
    .option('--out <path>', 'file to write, or folder for --format txt (default: standard output)')
    .addOption(
      new Option(
        '--concurrency <number>',
        'requests in flight (default: what the server can take)',
      ).argParser(wholeNumber(1)),
    )
    .option('--convert', 'read TIFF, AVIF and HEIC too, converted on this side (first page)')
    .option('--retry-failed', 'try again what failed in earlier runs')
    .addOption(
      new Option('--max-wait <seconds>', 'give up when the server has been away for so long')
        .argParser(wholeNumber(0))
        .default(DEFAULT_MAX_WAIT_S),
    );
  addRequestFlags(command);
  addServerFlags(command);
  return command.action(async (paths: string[], flags: DescribeFlags) => {
    const config = loadConfig({ flags: typedFlags(command, ASKING_SETTINGS), configFile: flags.config });
    const { listImages } = await import('./image-list.js');
    const { describeImages } = await import('./describe.js');
    const images = await listImages(paths, () => readAll(process.stdin), flags.convert === true);
    using cancellation = cancelOnSignals();
    const { prompt = DEFAULT_PROMPT, chatTemplate = flags.prompt === undefined } = flags;
    const server = serverChoice(flags, config);
    const fields = requestFields({ ...flags, chatTemplate });
    const imageOf = await imageSource(flags, config);
    await whileAlone(flags, terminal, cancellation.signal, async () => {
      await using output = await openOutput(flags, terminal);
      const concurrency = flags.concurrency ?? null;
      const maxWaitMs = flags.maxWait * 1000;
      const stop = cancellation.signal;
      await describeImages(
        { images, output, prompt, fields, server, imageOf, concurrency, maxWaitMs, stop },
        terminal,
      );
    });
  });
}

async function imageSource(
  { convert = false }: DescribeFlags,
  config: TakeoffConfig,
): Promise<DescribeCommand['imageOf']> {
  if (!convert) return (file) => Promise.resolve(file);
  const { Converter } = await import('./convert/converter.js');
  const converter = new Converter({ maxImagePixels: config.server.maxImagePixels });
  return (file) => converter.imageOf(file);
}

/** A second run with the same output file waits for the first to end, and then describes the images that are left. */
async function whileAlone(
  { format, out }: DescribeFlags,
  terminal: Terminal,
  stop: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  if (out === undefined || format === 'txt') return work();
  await makeFolderOf(out);
  const { withLock } = await import('../../checkpoint/cache/lock.js');
  const lockPath = `${out}.lock`;
  const onWait = (): void => terminal.err(`Waiting for another run that writes ${out} (${lockPath}).\n`);
  await withLock(lockPath, stop, onWait, work);
}

async function makeFolderOf(out: string): Promise<void> {
  try {
    await mkdir(path.dirname(out), { recursive: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`--out is ${out}, whose folder cannot be made: ${why}.`, { cause });
  }
}

async function openOutput(flags: DescribeFlags, terminal: Terminal): Promise<Output> {
  const { format, out, retryFailed = false } = flags;
  if (format === 'txt') {
    const { openSidecarOutput } = await import('./sidecar-output.js');
    return openSidecarOutput(out ?? null, retryFailed);
  }
  if (out !== undefined) {
    const { openFileOutput } = await import('./file-output.js');
    return openFileOutput(out, format, retryFailed);
  }
  if (retryFailed)
    throw new ConfigError('--retry-failed needs --out: standard output keeps no list of what failed.');
  const { openStdoutOutput } = await import('./stdout-output.js');
  return openStdoutOutput(format, terminal);
}

const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`Allowed is a whole number from ${least}.`);
    return value;
  };
