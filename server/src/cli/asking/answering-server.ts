// Which server answers a command that asks a model: the one that --url names; else, without --model, one that runs on this
// machine; else one of the command's own, which ends with it.
import { type TakeoffClient as Client, TakeoffClient, TakeoffClientError } from 'takeoff-client';
import type { TakeoffConfig } from '../../config/resolve-config.js';
import { ConfigError } from '../../errors.js';
import { urlOf } from '../banner.js';
import type { Terminal } from '../terminal.js';
import { patientFetch } from './patient-fetch.js';

export interface ServerChoice {
  /** From --url. */
  readonly url: string | undefined;
  /** Whether --model was typed. */
  readonly namesModel: boolean;
  /** The group that --consumer-group names; undefined leaves it to the server, or to the reader that is started. */
  readonly consumerGroup: string | undefined;
  readonly config: TakeoffConfig;
}

export interface AnsweringServer extends AsyncDisposable {
  readonly client: Client;
  readonly url: string;
  /** For the requests; undefined is the server's default. */
  readonly consumerGroup: string | undefined;
  /** Rejects when the server can never answer again. Never resolves. */
  readonly failed: Promise<never>;
}

/**
 * Resolves when the server can be asked.
 * @throws ConfigError; ReaderError when a server of the command's own cannot serve its model
 * @throws the reason of the signal
 */
export async function openAnsweringServer(
  { url, namesModel, consumerGroup, config }: ServerChoice,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<AnsweringServer> {
  const { apiKey } = config.server;
  if (url !== undefined && namesModel)
    throw new ConfigError(
      '--url and --model exclude each other: a server that runs has its model. Leave one out.',
    );
  if (url !== undefined) return existing(parseUrl(url), apiKey, consumerGroup);
  const usual = new URL(urlOf('127.0.0.1', config.server.port || 3000));
  if (!namesModel && (await isTakeoff(usual, apiKey, signal))) {
    terminal.err(`Asking the server on ${usual.origin}.\n`);
    return existing(usual, apiKey, consumerGroup);
  }
  // The modules of a gateway take longer to load than many a server takes to answer.
  const { startOwnServer } = await import('./own-server.js');
  const own = await startOwnServer(config, terminal, signal);
  return {
    ...existing(new URL(own.url), apiKey, consumerGroup ?? config.readers[0]?.consumerGroups[0]),
    failed: own.failed,
    [Symbol.asyncDispose]: () => own.stop(),
  };
}

function existing(url: URL, apiKey: string | null, consumerGroup: string | undefined): AnsweringServer {
  return {
    client: clientOf(url, apiKey),
    url: url.href.replace(/\/+$/u, ''),
    consumerGroup,
    failed: new Promise<never>(() => undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const clientOf = (url: URL, apiKey: string | null): Client =>
  new TakeoffClient({
    baseUrl: url.href,
    // A URL without a port has the port of its scheme; the client library would take 3000.
    port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
    apiKey: apiKey ?? undefined,
    fetch: patientFetch(),
  });

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw new ConfigError(
    `--url is ${JSON.stringify(text)}; allowed is the address of a server, such as http://127.0.0.1:3000.`,
  );
}

const PROBE_TIMEOUT_MS = 2000;

/** Whether a Takeoff server listens there. One that still loads its model, or that wants an API key, counts. */
async function isTakeoff(url: URL, apiKey: string | null, signal: AbortSignal): Promise<boolean> {
  try {
    const client = new TakeoffClient({ baseUrl: url.href, apiKey: apiKey ?? undefined, retries: 0 });
    await client.status({ signal, timeoutMs: PROBE_TIMEOUT_MS });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof TakeoffClientError && error.code === 'auth.required';
  }
}
