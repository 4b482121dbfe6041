// The lines a person sees when the server has started: where it is, what it serves and who can reach it.
import type { TakeoffConfig } from '../config/resolve-config.js';
import type { ListeningPorts } from '../gateway/gateway.js';
import { isLoopback } from '../gateway/http/management/change-guard.js';
import { alignedLines } from './terminal.js';

export function startBanner(config: TakeoffConfig, ports: ListeningPorts, version: string): string {
  const { host } = config.server;
  const page = config.server.playground ? urlOf(host, ports.port) : 'off';
  const rows = [
    ['page', page],
    ['inference', `${urlOf(host, ports.port)}  POST /image_generate, /generate and their _stream`],
    [
      'openai',
      ports.openaiPort === null
        ? `on the inference port, ${urlOf(host, ports.port)}/v1`
        : `${urlOf(host, ports.openaiPort)}/v1`,
    ],
    ['management', ports.managementPort === null ? 'off' : urlOf(host, ports.managementPort)],
    ...(ports.scalerPort === null
      ? []
      : [['autoscaler', `KEDA's, over gRPC on port ${ports.scalerPort}`] as const]),
    ...modelRows(config),
    [
      'reachable',
      isLoopback(host) ? 'from this machine only; --host 0.0.0.0 opens all ports to others' : `on ${host}`,
    ],
  ] as const;
  return `\nTakeoff ${version}\n${alignedLines(rows.map(([label, value]) => [`  ${label}`, value]))}\n`;
}

function modelRows({ readers, server }: TakeoffConfig): readonly (readonly [string, string])[] {
  if (server.redisUrl !== null)
    return [['readers', `on other machines, joined by Redis at ${new URL(server.redisUrl).host}`]];
  return readers.map(({ modelName, consumerGroups }) => [
    'model',
    `${server.echo ? 'echo of the prompt' : modelName} (group ${consumerGroups.join(', ')})`,
  ]);
}

/** An address that a browser can open; the wildcard addresses 0.0.0.0 and :: become localhost. */
export function urlOf(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
