// The settings of the server itself: `takeoff.server_config` in config.yaml. Defaults that differ from Takeoff 0.21 are listed
// with their reasons in docs/decisions/0005-configuration-defaults.md.
import { z } from 'zod';
import { settingsOf } from './layers.js';
import { LOG_LEVELS, PYTHON_LOG_LEVELS } from './log-level.js';
import {
  boolean,
  choice,
  computedSetting,
  hostNames,
  integer,
  names,
  optionalInteger,
  optionalText,
  optionalWebAddress,
  ports,
  redisAddress,
  secretText,
  setting,
  text,
  webAddress,
  webOrigins,
} from './setting.js';

const MAX_PORT = 65_535;
const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;

const port = () => integer(0, MAX_PORT, '0 takes any free port');

export const serverConfigSchema = z.object({
  host: setting(text('an address or host name of this machine'), '127.0.0.1', {
    key: 'host',
    meaning: 'Address that all ports listen on. 0.0.0.0 opens them to other machines.',
  }),
  port: setting(port(), 3000, { key: 'port', meaning: 'Inference API.' }),
  managementPort: setting(port(), 3001, {
    key: 'management_port',
    meaning: 'Management API. Keep it private.',
  }),
  launchManagementServer: setting(boolean(), true, {
    key: 'launch_management_server',
    meaning: 'Whether the management port is opened.',
  }),
  openaiPort: setting(port(), 3003, {
    key: 'openai_port',
    meaning: 'OpenAI API, under `/v1`. The inference port answers it too.',
  }),
  launchOpenaiServer: setting(boolean(), true, {
    key: 'launch_openai_server',
    meaning: 'Whether the port of the OpenAI API is opened.',
  }),
  internalPort: setting(optionalInteger(0, MAX_PORT, '0 takes any free port'), null, {
    key: 'internal_port',
    meaning:
      'Where gateways with `redis_url` tell KEDA how many requests wait and run, over gRPC. Closed when not set. See docs/kubernetes.md.',
  }),
  enableMetrics: setting(boolean(), true, {
    key: 'enable_metrics',
    meaning: 'Whether the management port answers `/metrics`.',
  }),
  exportTraces: setting(boolean(), false, {
    key: 'export_traces',
    meaning: 'Whether each request is sent as an OpenTelemetry trace to `traces_host`.',
  }),
  tracesHost: setting(webAddress(), 'http://127.0.0.1:4318', {
    key: 'traces_host',
    meaning: 'Collector that traces are sent to, as OTLP over HTTP (not gRPC), below its path `/v1/traces`.',
  }),
  apiKey: setting(secretText(8), null, {
    key: 'api_key',
    meaning:
      'Key that every request but /livez, /healthz, /readyz, the description of the API and the files of the page must carry, on every port, as `Authorization: Bearer KEY` or `x-api-key: KEY`.',
    isSecret: true,
  }),
  bodySizeLimitBytes: setting(integer(1024, 2048 * MIB, 'bytes'), 20 * MIB, {
    key: 'body_size_limit_bytes',
    meaning: 'Largest request body, images included. A larger one is answered with 413.',
  }),
  bodyMemoryLimitBytes: setting(integer(1024, 1024 * 1024 * MIB, 'bytes'), 512 * MIB, {
    key: 'body_memory_limit_bytes',
    meaning:
      'Bytes of request bodies that may be arriving at the same time. More are answered with 503; one body always fits.',
  }),
  maxPromptStringBytes: setting(integer(1, 1024 * MIB, 'bytes'), 150_000, {
    key: 'max_prompt_string_bytes',
    meaning: 'Largest prompt text of a request, all prompts of a list together.',
  }),
  maxUserBatchSize: setting(integer(1, 1_000_000), 1000, {
    key: 'max_user_batch_size',
    meaning: 'Longest list in `text`.',
  }),
  maxQueuedRequests: setting(integer(1, 1_000_000), 512, {
    key: 'max_queued_requests',
    meaning: 'Requests that a consumer group may have open, running and waiting. More are answered with 503.',
  }),
  requestTimeoutMs: setting(integer(1000, HOUR_MS, 'milliseconds'), 60_000, {
    key: 'request_timeout_ms',
    meaning: 'Longest time from the first byte of a request to the last of its body.',
  }),
  corsOrigins: setting(webOrigins(), [], {
    key: 'cors_origins',
    meaning:
      'Web pages of other origins that may call the inference API from a browser. Cookies are never allowed.',
  }),
  playground: setting(boolean(), true, {
    key: 'playground',
    meaning: 'Whether the inference port serves the page at `/`.',
  }),
  playgroundApi: setting(optionalWebAddress(), null, {
    key: 'playground_api',
    meaning:
      'Address of the inference API that the page asks, where it is another than the page comes from. That server must name this one in `cors_origins`.',
  }),
  allowRemoteImages: setting(boolean(), false, {
    key: 'allow_remote_images',
    meaning:
      'Whether images that prompts name by their addresses are downloaded. Read docs/security.md before you switch it on.',
  }),
  remoteImageDomains: setting(
    hostNames('host names, or *.name for what lies below a name, separated by commas', 'pattern'),
    [],
    {
      key: 'remote_image_domains',
      meaning:
        'The only hosts that remote images may come from, redirects included. Any public host when not set.',
    },
  ),
  remoteImagePorts: setting(ports(), [80, 443], {
    key: 'remote_image_ports',
    meaning: 'Ports that remote images may come from.',
  }),
  remoteImageAllowlist: setting(
    hostNames('exact host names or IPv4 addresses, separated by commas', 'exact'),
    [],
    {
      key: 'remote_image_allowlist',
      meaning:
        'Hosts that remote images may come from although their addresses are private, such as an image store of your own.',
    },
  ),
  remoteImageTimeoutMs: setting(integer(1, HOUR_MS, 'milliseconds'), 10_000, {
    key: 'remote_image_timeout_ms',
    meaning: 'Longest time to download one remote image: lookups, redirects and body.',
  }),
  remoteImageMaxBytes: setting(integer(1, 2048 * MIB, 'bytes'), 20 * MIB, {
    key: 'remote_image_max_bytes',
    meaning: 'Largest remote image.',
  }),
  remoteImageConcurrency: setting(integer(1, 256), 8, {
    key: 'remote_image_concurrency',
    meaning:
      'Remote images downloaded at the same time. With the limit of one it bounds the memory that they take.',
  }),
  maxImagesPerPrompt: setting(integer(1, 64), 1, {
    key: 'max_images_per_prompt',
    meaning:
      'Images that one prompt may have, those of earlier turns included. LLaVA models were trained with one image.',
  }),
  maxImagesPerRequest: setting(integer(1, 1000), 32, {
    key: 'max_images_per_request',
    meaning: 'Different images that all prompts of a list may name together.',
  }),
  maxImagePixels: setting(integer(1, 1_000_000_000, 'pixels'), 50_000_000, {
    key: 'max_image_pixels',
    meaning: 'Largest image, width times height, validated before it is decoded.',
  }),
  imageDecodeTimeoutMs: setting(integer(1, HOUR_MS, 'milliseconds'), 10_000, {
    key: 'image_decode_timeout_ms',
    meaning: 'Longest time to decode one image.',
  }),
  imageDecodeConcurrency: setting(integer(1, 64), 2, {
    key: 'image_decode_concurrency',
    meaning: 'Images decoded at the same time, each in a process of its own.',
  }),
  readerMessageTimeoutMs: setting(integer(1, HOUR_MS, 'milliseconds'), 30_000, {
    key: 'reader_message_timeout_ms',
    meaning:
      'Longest pause between two tokens before a request counts as stalled, and, from 5 s, longest silence of a reader before it is replaced.',
  }),
  firstTokenTimeoutMs: setting(integer(1, 24 * HOUR_MS, 'milliseconds'), 600_000, {
    key: 'first_token_timeout_ms',
    meaning: 'Longest time to the first token: waiting, reading the image and reading the prompt.',
  }),
  heartbeatCheckInterval: setting(integer(0, 3600, 'seconds; 0: never'), 1, {
    key: 'heartbeat_check_interval',
    meaning: 'How often it is looked whether live readers still work.',
  }),
  streamErrorEvents: setting(boolean(), true, {
    key: 'stream_error_events',
    meaning:
      'Whether a stream that fails in the middle ends with an `event: error`. Off, its connection is cut instead, for clients such as LangChain that would print the event.',
  }),
  streamCommentIntervalMs: setting(integer(0, HOUR_MS, 'milliseconds; 0 is never'), 15_000, {
    key: 'stream_comment_interval_ms',
    meaning:
      'After so long without a token a stream sends its headers and a comment line, and again each time it passes, so that proxies do not give up on it. 0 is for clients that would print the comment.',
  }),
  shutdownDeadlineMs: setting(integer(0, HOUR_MS, 'milliseconds'), 25_000, {
    key: 'shutdown_deadline_ms',
    meaning: 'Time that running requests get to finish after SIGTERM.',
  }),
  reservedConsumers: setting(names('names of consumer groups, separated by commas'), [], {
    key: 'reserved_consumers',
    meaning: 'Groups whose requests wait for a reader instead of being refused while none serves them.',
  }),
  persistReaders: setting(boolean(), false, {
    key: 'persist_readers',
    meaning:
      'Whether readers that are added, changed and removed on the management port are written to the configuration file.',
  }),
  redisUrl: setting(redisAddress(), null, {
    key: 'redis_url',
    meaning:
      'Redis 7 or Valkey 8 that joins gateways and readers on several machines, as `redis://` or `rediss://`. A server with it has no readers of its own; see docs/cluster.md.',
    isSecret: true,
  }),
  redisCa: setting(optionalText('a PEM file'), null, {
    key: 'redis_ca',
    meaning: 'Certificate authority of Redis, where it is none that Node trusts.',
  }),
  redisCert: setting(optionalText('a PEM file'), null, {
    key: 'redis_cert',
    meaning: 'Certificate that this process shows to Redis; with `redis_key`.',
  }),
  redisKey: setting(optionalText('a PEM file'), null, {
    key: 'redis_key',
    meaning: 'Key of `redis_cert`.',
  }),
  headless: setting(boolean(), false, {
    key: 'headless',
    meaning:
      'Serve one reader to gateways on other machines, over `redis_url`, and nothing over HTTP but /livez, /healthz and /readyz on `port`.',
  }),
  addReaderIdSuffix: setting(boolean(), false, {
    key: 'add_reader_id_suffix',
    meaning:
      'Append an underscore and a random UUID to the ids of readers: for copies with the same settings.',
  }),
  repositoryPath: computedSetting(
    text('a folder that can be written to'),
    { text: 'takeoff in the cache folder of the user', value: ({ cacheFolder }) => cacheFolder },
    { key: 'repository_path', meaning: 'Where downloaded and converted models are kept.' },
  ),
  llamaLibDir: setting(optionalText('a folder with the shared libraries of llama.cpp'), null, {
    key: 'llama_lib_dir',
    meaning: 'llama.cpp libraries to use instead of those that npm installed.',
  }),
  accessToken: setting(optionalText('a token of the model hub'), null, {
    key: 'access_token',
    meaning: 'Token for private and restricted models of the hub. Sent to the hub alone.',
    isSecret: true,
  }),
  hubEndpoint: setting(webAddress(), 'https://huggingface.co', {
    key: 'hub_endpoint',
    meaning: 'The model hub, or a mirror of it. Where it is not set, `HF_ENDPOINT` counts.',
    sharedVariable: { name: 'HF_ENDPOINT', toText: (value) => value },
  }),
  hubOffline: setting(boolean(), false, {
    key: 'hub_offline',
    meaning:
      'Use downloaded models only, without asking the hub. Where it is not set, `HF_HUB_OFFLINE` counts.',
    // The hub's own tools take these words for true and anything else for false.
    sharedVariable: {
      name: 'HF_HUB_OFFLINE',
      toText: (value) => String(/^(1|on|yes|true)$/iu.test(value)),
    },
  }),
  echo: setting(boolean(), false, {
    key: 'echo',
    meaning: 'Answer every prompt with itself, without a model: for tests of clients.',
  }),
  logLevel: setting(choice(LOG_LEVELS, PYTHON_LOG_LEVELS), 'info', {
    key: 'log_level',
    meaning: 'Least important log lines that are written.',
  }),
});

export type ServerConfig = Readonly<z.infer<typeof serverConfigSchema>>;
export const SERVER_SETTINGS = settingsOf(serverConfigSchema);
