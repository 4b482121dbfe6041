// What keeps prompts from being answered, whichever API asks: for the descriptions of its routes.
import type { ErrorCode } from 'takeoff-wire';

/** Of a text that a reader has to look at. */
export const READER_ERRORS = [
  'group.unavailable',
  'group.failed',
  'reader.queue_full',
  'reader.died',
  'reader.stalled',
] as const satisfies readonly ErrorCode[];

const IMAGE_ERRORS = [
  'request.model_takes_no_images',
  'request.too_many_images',
  'request.remote_images_disabled',
  'image.format_unsupported',
  'image.undecodable',
  'image.too_large',
  'image.decode_timeout',
  'image.decoder_busy',
  'image.decoder_failed',
  'image.url_refused',
  'image.fetch_failed',
  'image.fetch_too_large',
  'image.fetch_busy',
] as const satisfies readonly ErrorCode[];

/** Of prompts, whether they are answered or only counted. */
export const PROMPT_ERRORS = [
  ...IMAGE_ERRORS,
  ...READER_ERRORS,
  'request.out_of_range',
  'request.prompt_too_large',
  'request.batch_too_large',
  'request.template_failed',
  'request.unknown_lora',
  'request.constraint_too_large',
] as const satisfies readonly ErrorCode[];

/** Of requests to the APIs of others. */
export const FOREIGN_ERRORS = [
  'request.field_invalid',
  'request.model_unknown',
  'request.not_supported',
] as const satisfies readonly ErrorCode[];

/** Of prompts that are answered. */
export const ANSWER_ERRORS = [
  ...PROMPT_ERRORS,
  'request.does_not_fit',
  'request.constraint_unsupported',
  'request.crashes_reader',
  'request.client_too_slow',
] as const satisfies readonly ErrorCode[];
