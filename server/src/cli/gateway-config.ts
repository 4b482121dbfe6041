// From the resolved configuration to what the gateway is started with: each part gets the slice it uses.
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TakeoffConfig } from '../config/resolve-config.js';
import { shownServerConfig } from '../config/print-config.js';
import type { ReaderConfig } from '../config/reader-settings.js';
import type { ServerConfig } from '../config/server-settings.js';
import type { ConfiguredReader, GatewayConfig, RemoteImagesConfig } from '../gateway/gateway.js';
import type { ChatTemplateSetting } from '../link/lifecycle/messages.js';
import { TEMPLATE_NAMES } from '../model/description.js';
import { readVersion } from './version.js';

/** Headers are some kilobytes that clients send at once. A client that takes longer occupies a connection on purpose. */
const HEADERS_TIMEOUT_MS = 10_000;

/** What `npm run build` makes of playground/. This relative path is right from src/ and from dist/. */
const PAGE = new URL('../../../playground/dist/page', import.meta.url);

export function toGatewayConfig(
  config: TakeoffConfig,
  runtime: Pick<GatewayConfig, 'log' | 'onReaderState'>,
): GatewayConfig {
  const { server, readers } = config;
  return {
    host: server.host,
    port: server.port,
    managementPort: server.launchManagementServer ? server.managementPort : null,
    openaiPort: server.launchOpenaiServer ? server.openaiPort : null,
    showsMetrics: server.enableMetrics,
    limits: {
      bodySizeLimitBytes: server.bodySizeLimitBytes,
      bodyMemoryLimitBytes: server.bodyMemoryLimitBytes,
      maxPromptStringBytes: server.maxPromptStringBytes,
      maxUserBatchSize: server.maxUserBatchSize,
      allowRemoteImages: server.allowRemoteImages,
      maxImagesPerPrompt: server.maxImagesPerPrompt,
      maxImagesPerRequest: server.maxImagesPerRequest,
      streamErrorEvents: server.streamErrorEvents,
      requestTimeoutMs: server.requestTimeoutMs,
      headersTimeoutMs: Math.min(HEADERS_TIMEOUT_MS, server.requestTimeoutMs),
      firstTokenTimeoutMs: server.firstTokenTimeoutMs,
      readerMessageTimeoutMs: server.readerMessageTimeoutMs,
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
    version: readVersion(),
    shownConfig: shownServerConfig(config),
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

function toGatewayReader(
  server: ServerConfig,
  { consumerGroup, accessToken, logLevel, chatTemplate, ...reader }: ReaderConfig,
): ConfiguredReader {
  const { repositoryPath, llamaLibDir, echo, hubEndpoint, hubOffline } = server;
  const hub = { hubEndpoint, hubOffline };
  return {
    consumerGroup,
    start: {
      ...reader,
      ...hub,
      chatTemplate: toChatTemplate(chatTemplate),
      repositoryPath,
      llamaLibDir,
      echo,
    },
    logLevel,
    secrets: { hubAccessToken: accessToken ?? server.accessToken },
  };
}

function toChatTemplate(given: string | null): ChatTemplateSetting | null {
  if (given === null) return null;
  const name = TEMPLATE_NAMES.find((known) => known === given);
  return name === undefined ? { kind: 'file', path: resolve(given) } : { kind: 'named', name };
}
