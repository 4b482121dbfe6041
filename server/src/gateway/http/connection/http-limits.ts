// What one HTTP request may cost before it becomes a job. What the interface lists are settings of the operator and is named by the
// errors that it causes; the constants bound attacks and are far above what clients send.

export interface HttpLimits {
  readonly bodySizeLimitBytes: number;
  /** All bodies together, while they arrive. */
  readonly bodyMemoryLimitBytes: number;
  readonly maxPromptStringBytes: number;
  readonly maxUserBatchSize: number;
  /** A whole request, body included, must arrive within this time. */
  readonly requestTimeoutMs: number;
  readonly headersTimeoutMs: number;
  /** Whether the operator allows image tags. */
  readonly allowRemoteImages: boolean;
  readonly maxImagesPerPrompt: number;
  /** Different ones; the same URL counts once. */
  readonly maxImagesPerRequest: number;
  /** Whether a stream that fails after its first event ends with an error event; otherwise its connection is cut. */
  readonly streamErrorEvents: boolean;
  /** After so long without an event a stream sends a comment; 0: never. */
  readonly streamCommentIntervalMs: number;
}

/** A client that takes no byte of its answer for this long is cut off. Phones that change networks come back within it. */
export const CLIENT_STALL_MS = 60_000;

/** A request has two parts. The rest is room for what clients add, and a bound for a body of a million empty parts. */
export const MAX_PARTS = 32;
/** A part has up to four headers of some hundred bytes. Thousands of headers cost time and memory before any byte is validated. */
export const MAX_PART_HEADERS = 32;
export const MAX_PART_HEADER_BYTES = 8 * 1024;

/**
 * After an early refusal the rest of the body is read and thrown away, because closing at once makes many clients lose the answer
 * in a connection reset. This bounds it: a client with more to say, or a slower one, does meet the reset.
 */
export const LINGER_BYTES = 64 * 1024 * 1024;
export const LINGER_MS = 5_000;
