// From the resolved configuration to what the gateway is started with: each part gets the slice it uses.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { surroundingsOf } from '../config/load-config.js';
import { resolveAddedReader, resolveReaderChanges, type TakeoffConfig } from '../config/resolve-config.js';
import { shownReaderConfig, shownServerConfig } from '../config/print-config.js';
import type { ReaderConfig } from '../config/reader-settings.js';
import type { ServerConfig } from '../config/server-settings.js';
import type { GatewayConfig, RemoteImagesConfig } from '../gateway/gateway.js';
import type { ConfiguredReader } from '../gateway/readers/reader-administration.js';
import type { RedisSettings } from '../link/redis/redis-settings.js';
import type { ChatTemplateSetting } from '../link/lifecycle/messages.js';
import { TEMPLATE_NAMES } from '../model/description.js';
import { readVersion } from './version.js';

/** Headers are some kilobytes that clients send at once. A client that takes longer occupies a connection on purpose. */
const HEADERS_TIMEOUT_MS = 10_000;

/** What `npm run build` makes of playground/. This relative path is right from src/ and from dist/. */
const PAGE = new URL('../../../playground/dist/page', import.meta.url);

export function toGatewayConfig(
  config: TakeoffConfig,
  runtime: Pick<GatewayConfig, 'log' | 'logForms' | 'onReaderState'> &
    Partial<Pick<GatewayConfig, 'readerRecord'>>,
): GatewayConfig {
  const { server, readers, readerDefaults } = config;
  return {
    host: server.host,
    port: server.port,
    managementPort: server.launchManagementServer ? server.managementPort : null,
    openaiPort: server.launchOpenaiServer ? server.openaiPort : null,
    scalerPort: server.internalPort,
    showsMetrics: server.enableMetrics,
    traces: server.exportTraces ? { host: server.tracesHost } : null,
    limits: {
      bodySizeLimitBytes: server.bodySizeLimitBytes,
      bodyMemoryLimitBytes: server.bodyMemoryLimitBytes,
      maxPromptStringBytes: server.maxPromptStringBytes,
      maxUserBatchSize: server.maxUserBatchSize,
      allowRemoteImages: server.allowRemoteImages,
      maxImagesPerPrompt: server.maxImagesPerPrompt,
      maxImagesPerRequest: server.maxImagesPerRequest,
      streamErrorEvents: server.streamErrorEvents,
      streamCommentIntervalMs: server.streamCommentIntervalMs,
      requestTimeoutMs: server.requestTimeoutMs,
      headersTimeoutMs: Math.min(HEADERS_TIMEOUT_MS, server.requestTimeoutMs),
      firstTokenTimeoutMs: server.firstTokenTimeoutMs,
      readerMessageTimeoutMs: server.readerMessageTimeoutMs,
      heartbeatCheckMs: server.heartbeatCheckInterval * 1_000,
    },
    image: {
      maxImagePixels: server.maxImagePixels,
      decodeTimeoutMs: server.imageDecodeTimeoutMs,
      decodeConcurrency: server.imageDecodeConcurrency,
    },
    remoteImages: server.allowRemoteImages ? toRemoteImages(server) : null,
    apiKey: server.apiKey,
    maxOpenRequests: server.maxQueuedRequests,
    corsOrigins: server.corsOrigins,
    page: server.playground ? { folder: fileURLToPath(PAGE), apiAddress: server.playgroundApi } : null,
    reservedConsumers: server.reservedConsumers,
    shutdownDeadlineMs: server.shutdownDeadlineMs,
    readers: readers.map((reader) => toGatewayReader(server, reader)),
    redis: toRedisSettings(server),
    readerSettings: {
      reader: (keys) => toGatewayReader(server, resolveAddedReader(keys, surroundingsOf(), readerDefaults)),
      changes: resolveReaderChanges,
    },
    version: readVersion(),
    shownConfig: shownServerConfig(config),
    readerRecord: null,
    ...runtime,
  };
}

const toRemoteImages = (server: ServerConfig): RemoteImagesConfig => ({
  ports: server.remoteImagePorts,
  domains: server.remoteImageDomains,
  privateHosts: server.remoteImageAllowlist,
  timeoutMs: server.remoteImageTimeoutMs,
  maxBytes: server.remoteImageMaxBytes,
  concurrency: server.remoteImageConcurrency,
});

export const toRedisSettings = ({
  redisUrl,
  redisCa,
  redisCert,
  redisKey,
}: ServerConfig): RedisSettings | null =>
  redisUrl === null ? null : { url: redisUrl, caFile: redisCa, certFile: redisCert, keyFile: redisKey };

export function toGatewayReader(server: ServerConfig, config: ReaderConfig): ConfiguredReader {
  const { consumerGroups, bufferRequests, accessToken, logLevel, logAsJson, chatTemplate, ...reader } =
    config;
  const { repositoryPath, llamaLibDir, echo, hubEndpoint, hubOffline } = server;
  const hub = { hubEndpoint, hubOffline };
  return {
    consumerGroups,
    buffersRequests: bufferRequests,
    start: {
      ...reader,
      ...hub,
      chatTemplate: toChatTemplate(chatTemplate),
      repositoryPath,
      llamaLibDir,
      echo,
      kvHalvings: 0,
    },
    logging: { level: logLevel, asJson: logAsJson },
    secrets: { hubAccessToken: accessToken ?? server.accessToken },
    shown: shownReaderConfig(config),
  };
}

function toChatTemplate(given: string | null): ChatTemplateSetting | null {
  if (given === null) return null;
  const name = TEMPLATE_NAMES.find((known) => known === given);
  return name === undefined ? { kind: 'file', path: resolve(given) } : { kind: 'named', name };
}
