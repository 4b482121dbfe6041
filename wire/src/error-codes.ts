// Every error code that can reach a client, with its HTTP status, whether the same request may succeed later, and the
// public sentence that documentation prints. docs/errors.md is checked against this table.

export interface ErrorCodeFacts {
  /** HTTP status of a response that fails with this code. */
  readonly status: number;
  /** Whether the identical request can succeed later without any change by the caller. */
  readonly retryable: boolean;
  /** One sentence for documentation; responses carry a more specific message. */
  readonly sentence: string;
}

const facts = (status: number, retryable: boolean, sentence: string): ErrorCodeFacts => ({
  status,
  retryable,
  sentence,
});

export const ERROR_CODES = {
  'auth.required': facts(401, false, 'The API key is missing or wrong.'),
  'auth.readers_locked': facts(
    403,
    false,
    'Readers can be changed only with an API key, or from the machine itself where the server listens on nothing else.',
  ),
  'request.invalid_json': facts(400, false, 'The body is not JSON.'),
  'request.wrong_shape': facts(422, false, 'The body is JSON, but a field is missing or has the wrong type.'),
  'request.json_data_invalid': facts(422, false, 'The multipart part json_data is not JSON.'),
  'request.part_missing': facts(422, false, 'A required multipart part is missing.'),
  'request.out_of_range': facts(400, false, 'A field is outside its allowed range.'),
  'request.field_invalid': facts(
    400,
    false,
    'A field of a request to the API of OpenAI, Anthropic or Ollama is missing, or has a type or a value that is not allowed.',
  ),
  'request.model_unknown': facts(404, false, 'No consumer group and no model has the name of `model`.'),
  'request.not_supported': facts(400, false, 'A field is known but this version does not support it yet.'),
  'request.unsupported_media_type': facts(
    415,
    false,
    'The Content-Type of the request is not the one this endpoint takes.',
  ),
  'request.encoding_unsupported': facts(
    415,
    false,
    'The Content-Encoding of the request is not one that is taken.',
  ),
  'request.encoding_broken': facts(400, false, 'The body is not what its Content-Encoding says.'),
  'request.multipart_broken': facts(400, false, 'The multipart body cannot be parsed.'),
  'request.too_many_parts': facts(400, false, 'The multipart body has more parts than allowed.'),
  'request.too_many_images': facts(400, false, 'The request has more images than allowed.'),
  'request.body_too_large': facts(413, false, 'The request body is larger than body_size_limit_bytes.'),
  'request.prompt_too_large': facts(400, false, 'The prompt text is larger than max_prompt_string_bytes.'),
  'request.batch_too_large': facts(
    400,
    false,
    'A list of the request is longer than allowed, text longer than max_user_batch_size.',
  ),
  'request.batch_empty': facts(400, false, 'The list in text or inputs is empty.'),
  'request.remote_images_disabled': facts(
    400,
    false,
    'The prompt has an image tag and allow_remote_images is off.',
  ),
  'request.model_takes_no_images': facts(
    400,
    false,
    'The model of this consumer group does not accept images.',
  ),
  'request.crashes_reader': facts(
    400,
    false,
    'The reader ended more than once while it worked on this very request, which is refused for some minutes.',
  ),
  'request.unknown_lora': facts(400, false, 'lora_id names no adapter that a reader of the group has.'),
  'request.does_not_fit': facts(400, false, 'Prompt and image need more tokens than the model can hold.'),
  'request.template_failed': facts(
    400,
    false,
    "The model's chat template cannot be used, or refuses the conversation.",
  ),
  'request.constraint_unsupported': facts(
    400,
    false,
    'A schema or pattern is broken, or has something that cannot be enforced.',
  ),
  'request.constraint_too_large': facts(
    400,
    false,
    'A schema or pattern is larger, or costs more, than one answer may.',
  ),
  'request.not_found': facts(404, false, 'No such endpoint.'),
  'request.reader_unknown': facts(404, false, 'No reader has this id.'),
  'request.reader_invalid': facts(
    400,
    false,
    'The settings of a reader are not allowed, or its id is taken.',
  ),
  'request.readers_elsewhere': facts(
    409,
    false,
    'The readers of this gateway run on other machines and cannot be changed through it.',
  ),
  'request.timeout': facts(408, true, 'The request did not arrive in time.'),
  'request.client_too_slow': facts(408, true, 'The client read the stream too slowly.'),
  'request.malformed': facts(400, false, 'The request is not valid HTTP, or its address cannot be read.'),
  'request.headers_too_large': facts(431, false, 'The headers of the request are too large.'),
  'image.format_unsupported': facts(400, false, 'The bytes are not an image of a supported format.'),
  'image.undecodable': facts(400, false, 'The image is broken and cannot be decoded.'),
  'image.too_large': facts(
    400,
    false,
    'The image has more pixels than max_image_pixels, or an extreme shape.',
  ),
  'image.decode_timeout': facts(400, false, 'Decoding the image took longer than allowed.'),
  'image.url_refused': facts(400, false, 'The URL of a remote image is not one that may be fetched.'),
  'image.fetch_failed': facts(400, false, 'A remote image could not be fetched.'),
  'image.fetch_too_large': facts(400, false, 'A remote image has more bytes than allowed.'),
  'image.fetch_busy': facts(503, true, 'Too many remote images wait to be fetched.'),
  'image.decoder_busy': facts(503, true, 'Too many images wait to be decoded.'),
  'image.decoder_failed': facts(
    503,
    true,
    'The process that decodes images could not be started; the log says why.',
  ),
  'group.unavailable': facts(503, true, 'No live reader serves this consumer group.'),
  'group.failed': facts(
    503,
    false,
    'The model of this consumer group cannot be served; the operator must act.',
  ),
  'reader.queue_full': facts(503, true, 'The queue of the consumer group is full.'),
  'reader.constraints_busy': facts(
    503,
    true,
    'Other answers use all memory for schemas that take long to compile, or made the reader forget this one.',
  ),
  'reader.died': facts(503, true, 'The reader ended while it worked on the request.'),
  'reader.stalled': facts(503, true, 'The reader stopped producing tokens.'),
  'cluster.unreachable': facts(503, true, 'The cluster behind the reader cannot be reached.'),
  'cluster.busy': facts(503, true, 'The cluster behind the reader had no room within api_busy_timeout_ms.'),
  'cluster.broken': facts(
    503,
    true,
    'The answer of the cluster behind the reader broke off, or cannot be understood.',
  ),
  'cluster.refused': facts(
    400,
    false,
    'The cluster behind the reader refused the request; the message has its words.',
  ),
  'cluster.misconfigured': facts(
    503,
    false,
    'The cluster behind the reader does not let it in, or lacks its model; the operator must act.',
  ),
  'queue.unreachable': facts(
    503,
    true,
    'The queue between gateways and readers on other machines cannot be reached, or was lost for too long.',
  ),
  'reader.not_saved': facts(
    503,
    false,
    'The configuration file cannot be written, so the readers are as they were; the operator must act.',
  ),
  'server.not_ready': facts(503, true, 'The server is not ready to process requests yet.'),
  'server.uploads_busy': facts(503, true, 'Too many bytes of request bodies are arriving at the same time.'),
  'server.draining': facts(503, true, 'The server is shutting down and takes no new requests.'),
  'server.internal': facts(500, false, 'A defect of the server; the log has the details.'),
} as const satisfies Record<string, ErrorCodeFacts>;

export type ErrorCode = keyof typeof ERROR_CODES;

export const isErrorCode = (text: string): text is ErrorCode => Object.hasOwn(ERROR_CODES, text);

/** The JSON body of every error response, and the data of an `event: error` in a stream. */
export interface ErrorBody {
  readonly error: { readonly code: ErrorCode; readonly message: string };
}
