// The lines a person sees when the server has started: where it is, what it serves and who can reach it.
import type { TakeoffConfig } from '../config/resolve-config.js';
import { alignedLines } from './terminal.js';

/** The ports that the server listens on; where 0 was configured, the port that the system chose. */
export interface ListeningPorts {
  readonly port: number;
  /** Null: it was not opened. */
  readonly managementPort: number | null;
}

export function startBanner(config: TakeoffConfig, ports: ListeningPorts, version: string): string {
  const { host } = config.server;
  const rows = [
    ['inference', `${urlOf(host, ports.port)}  POST /image_generate, /generate and their _stream`],
    ['management', ports.managementPort === null ? 'off' : urlOf(host, ports.managementPort)],
    ...config.readers.map(
      ({ modelName, consumerGroup }) =>
        [
          'model',
          `${config.server.echo ? 'echo of the prompt' : modelName} (group ${consumerGroup})`,
        ] as const,
    ),
    [
      'reachable',
      isLoopback(host) ? 'from this machine only; --host 0.0.0.0 opens all ports to others' : `on ${host}`,
    ],
  ] as const;
  return `\nTakeoff ${version}\n${alignedLines(rows.map(([label, value]) => [`  ${label}`, value]))}\n`;
}

/** An address that a browser can open; the wildcard addresses 0.0.0.0 and :: become localhost. */
export function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/u.test(host);
