// How long a reader may keep a request waiting. The request path ends requests by them, supervision ends readers that hang.

export interface StallLimits {
  /** From the request's hand-over to its first token: waiting, reading the image and reading the prompt. */
  readonly firstTokenTimeoutMs: number;
  /** Between two tokens of an answer. */
  readonly readerMessageTimeoutMs: number;
  /** How often live readers are looked at; 0 is never, and every second where it is not set. */
  readonly heartbeatCheckMs?: number;
}
