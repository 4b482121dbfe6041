// The compiled gateway inside the test's process, with an echo reader and a resolver of the test: names lead to servers on this
// machine, and every connection that the process opens is recorded. No packet leaves the machine.
import { isIP, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { toGatewayConfig } from 'takeoff-server/cli/gateway-config.js';
import { resolveConfig } from 'takeoff-server/config/resolve-config.js';
import { startGateway, type RunningGateway } from 'takeoff-server/gateway/gateway.js';
import type { Resolver } from 'takeoff-server/gateway/intake/remote/resolve.js';

export interface LocalGateway {
  readonly url: string;
  readonly managementUrl: string;
  /** Of the OpenAI API's own port. */
  readonly openaiUrl: string;
  /** Names that the fetcher looked up, in order. */
  readonly lookups: string[];
  /** Answers to lookups; a name that is missing does not exist. A function may answer differently each time. */
  readonly names: Map<string, readonly string[] | (() => readonly string[] | Promise<readonly string[]>)>;
  /** Lines of the log. */
  readonly logged: () => string;
  close(): Promise<void>;
}

/** `settings`: keys of config.yaml. */
export async function startLocalGateway(
  settings: Readonly<Record<string, string>> = {},
): Promise<LocalGateway> {
  const names: LocalGateway['names'] = new Map();
  const lookups: string[] = [];
  const resolver: Resolver = (host) => {
    lookups.push(host);
    const answer = names.get(host);
    if (answer === undefined) return Promise.reject(new TypeError(`no such name: ${host}`));
    return Promise.resolve(typeof answer === 'function' ? answer() : answer);
  };
  let lines = '';
  const log = pino({ level: 'trace' }, { write: (line: string) => void (lines += line) });
  const environment = Object.fromEntries(
    Object.entries({ echo: 'true', port: '0', management_port: '0', openai_port: '0', ...settings }).map(
      ([key, value]) => [`TAKEOFF_${key.toUpperCase()}`, value],
    ),
  );
  const config = resolveConfig({
    flags: new Map(),
    environment,
    file: undefined,
    surroundings: { cacheFolder: '/nonexistent', demoModelFolder: '/nonexistent', newReaderId: () => 'echo' },
  });
  const given = toGatewayConfig(config, { log, logForms: { json: log, forPeople: log } });
  const remoteImages = given.remoteImages === null ? null : { ...given.remoteImages, resolver };
  const gateway: RunningGateway = await startGateway({ ...given, remoteImages, page: null });
  const url = `http://127.0.0.1:${gateway.ports.port}`;
  const deadline = performance.now() + 30_000;
  while ((await fetch(`${url}/healthz`)).status !== 200) {
    if (performance.now() > deadline) throw new TypeError(`The echo reader did not start.\n${lines}`);
    await delay(20);
  }
  return {
    url,
    managementUrl: `http://127.0.0.1:${gateway.ports.managementPort}`,
    openaiUrl: `http://127.0.0.1:${gateway.ports.openaiPort}`,
    lookups,
    names,
    logged: () => lines,
    close: () => gateway.close(),
  };
}

/** A connection that something in this process began to open. */
export interface Dialled {
  readonly host: string;
  readonly port: number;
  /** Addresses that the connection's own lookup returned. */
  readonly addresses: readonly string[];
}

type Lookup = (
  host: string,
  options: { all: true },
  done: (error: Error | null, addresses: readonly { readonly address: string }[]) => void,
) => void;

/**
 * Connections that were opened while `work` ran, but for those to the ports that the test itself uses. Connections to other
 * machines are recorded and fail, so that no packet leaves this one.
 */
export async function dialledDuring(
  ownPorts: readonly number[],
  work: () => Promise<unknown>,
): Promise<Dialled[]> {
  const dialled: Dialled[] = [];
  const prototype = Socket.prototype as { connect: (...given: unknown[]) => Socket };
  const { connect } = prototype;
  prototype.connect = function (this: Socket, ...given: unknown[]): Socket {
    // Node's own callers pass the parsed arguments as one array.
    const [first] = Array.isArray(given[0]) ? (given[0] as unknown[]) : given;
    const options = first as { host?: string; port?: number | string; lookup?: Lookup };
    const { host = 'localhost', port = 0, lookup } = options;
    if (ownPorts.includes(Number(port))) return connect.apply(this, given);
    let addresses: readonly string[] = [host];
    if (isIP(host) === 0) {
      lookup?.(host, { all: true }, (_, found) => {
        addresses = found.map(({ address }) => address);
      });
    }
    dialled.push({ host, port: Number(port), addresses });
    if (addresses.every((address) => address.startsWith('127.'))) return connect.apply(this, given);
    setImmediate(() => this.destroy(new TypeError('not dialled in tests')));
    return this;
  };
  try {
    await work();
  } finally {
    prototype.connect = connect;
  }
  return dialled;
}
