// Keys that Takeoff documents (0.21 or older) and that mean nothing here, each with why. They are accepted, so that existing files and
// launch commands keep working, and named in a warning at start. Not in the list: LICENSE_KEY, which is never looked at.

/** Why a key means nothing, by key. */
type UnusedKeys = ReadonlyMap<string, string>;

const NO_REDIS = 'The queue is in the memory of the server, or where `redis_url` says.';
const NO_PORT_OF_READERS =
  'Readers are child processes of the server, or joined by Redis, and need no port of it.';
const NO_BATCH_TIME =
  'Takeoff waits so long for inputs of models that embed text. Answers are batched step by step, without a wait.';
const NO_CUDA_GRAPHS = "A switch of Takeoff's engine. llama.cpp decides on CUDA graphs by itself.";

/** Documented for `server_config`, or as variables of the whole container. */
export const UNUSED_SERVER_KEYS: UnusedKeys = new Map([
  ['heartbeat_wait_interval', 'A reader gives a sign of life once a second.'],
  ['snowflake_port', 'There is no interface for Snowflake.'],
  ['vertex_port', 'There is no interface for Vertex AI.'],
  ['batch_duration_millis', NO_BATCH_TIME],
  ['launch_sagemaker_server', 'There is no interface for SageMaker.'],
  ['launch_vertex_server', 'There is no interface for Vertex AI.'],
  ['redis_host', NO_REDIS],
  ['redis_port', NO_REDIS],
  ['redis_max_memory', NO_REDIS],
  ['reill_threshold', 'A waiting prompt begins as soon as there is room for it.'],
  ['run_name', 'Nothing is reported to anybody under the name of a run.'],
  ['image', "Takeoff's launcher reads it; the server in the container has no use for it."],
]);

/** Documented for the entries of `readers_config`. */
export const UNUSED_READER_KEYS: UnusedKeys = new Map([
  ['backend', 'There is one engine.'],
  ['disable_cuda_graph', NO_CUDA_GRAPHS],
  ['cuda_graph_cache_capacity', NO_CUDA_GRAPHS],
  ['disable_static', "A switch of Takeoff's engine."],
  ['disable_paged_attention', "A switch of Takeoff's engine. The KV cache is always shared."],
  ['ssd_cache_size', 'What was computed of prompts is kept in memory alone.'],
  [
    'constrained_decoding_backend',
    'One engine does what all of them do. Requests may name any; see structured-output.md.',
  ],
  ['lmfe_max_consecutive_whitespaces', 'A limit of an engine that is not used here.'],
  ['enable_document_processing', "Takeoff 0.22's. Documents are not processed here."],
  ['internal_gateway_ip', NO_PORT_OF_READERS],
  ['nvlink_unavailable', 'GPUs hand layers on over whatever link there is.'],
  ['redis_host', NO_REDIS],
  ['batch_duration_millis', NO_BATCH_TIME],
]);
