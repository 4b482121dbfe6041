// Keys that Takeoff documents (0.21 or older) and that mean nothing here. They are accepted, so that existing files and launch
// commands keep working, and named in a warning at start. Not in the list: LICENSE_KEY, which is never looked at.

/** Documented for `server_config`, or as variables of the whole container. */
export const UNUSED_SERVER_KEYS: ReadonlySet<string> = new Set([
  'heartbeat_wait_interval',
  'internal_port',
  'snowflake_port',
  'vertex_port',
  'batch_duration_millis',
  'launch_sagemaker_server',
  'launch_vertex_server',
  'redis_host',
  'redis_port',
  'redis_max_memory',
  'reill_threshold',
  'run_name',
  'add_reader_id_suffix',
  'headless',
  'image',
]);

/** Documented for the entries of `readers_config`. */
export const UNUSED_READER_KEYS: ReadonlySet<string> = new Set([
  'backend',
  'disable_cuda_graph',
  'cuda_graph_cache_capacity',
  'disable_static',
  'disable_paged_attention',
  'ssd_cache_size',
  'constrained_decoding_backend',
  'lmfe_max_consecutive_whitespaces',
  'reader_log_as_json',
  'enable_document_processing',
  'internal_gateway_ip',
  'nvlink_unavailable',
  'redis_host',
  'batch_duration_millis',
]);
