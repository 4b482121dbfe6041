// What callers hand over. The request fields are those of the HTTP API in camelCase; contract.test.ts compares them with wire.

/** An image: its bytes in any form, or, in Node, Bun and Deno, the path of a file. */
export type ImageInput = string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array>;

/** Options of every call. */
export interface CallOptions {
  /** Cancels the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Replaces the client's `timeoutMs` for this call. */
  readonly timeoutMs?: number | undefined;
}

/** The fields of a request besides its text. What is left out has the server's default. */
export interface RequestFields {
  /** From 0 to 100; default 1. */
  readonly samplingTemperature?: number | undefined;
  /** From 0 to 1; default 1. 0 means the same as 1: not restricted. */
  readonly samplingTopp?: number | undefined;
  /** From 1; default 1, the likeliest token always, whatever the temperature. 0 and -1: not restricted. */
  readonly samplingTopk?: number | undefined;
  /** Above 0, up to 100; default 1. */
  readonly repetitionPenalty?: number | undefined;
  /** From 0 to 1024; default 0, off. */
  readonly noRepeatNgramSize?: number | undefined;
  /** From 1; default 128. */
  readonly maxNewTokens?: number | undefined;
  /** From 0; default 1. */
  readonly minNewTokens?: number | undefined;
  readonly regexString?: string | undefined;
  readonly jsonSchema?: unknown;
  /** Longer prompts are cut to this many tokens. */
  readonly promptMaxTokens?: number | undefined;
  /** Tokens that the image takes at most: fewer are faster and less exact. `'full'` takes all; what is left out, what the server is set to. */
  readonly imageTokenBudget?: number | 'full' | undefined;
  /** Which readers answer; default `primary`. */
  readonly consumerGroup?: string | undefined;
  readonly loraId?: string | undefined;
  readonly constrainedDecodingBackend?: string | undefined;
  /** Adds `metadata` to the answer: token counts, why it ended, and warnings about the request. */
  readonly returnMetadata?: boolean | undefined;
  /** Puts the text into the model's own chat format. */
  readonly useChatTemplate?: boolean | undefined;
  /** What the server keeps of this request speeds up requests of the same salt only. */
  readonly cacheSalt?: string | undefined;
}

export interface GenerateOptions extends RequestFields, CallOptions {
  /** The model sees it at the start of every prompt. */
  readonly image?: ImageInput | undefined;
}

export interface TokenizeOptions extends CallOptions {
  /** Leaves out tokens such as the one that begins a prompt. */
  readonly skipSpecialTokens?: boolean | undefined;
  /** Takes the text for what a user says, in the model's own chat format. */
  readonly useChatTemplate?: boolean | undefined;
  /** Width and height of what the image tags in the text name, in their order; without it a tag is text. */
  readonly imageSizes?: readonly (readonly [widthPx: number, heightPx: number])[] | undefined;
}

export interface DetokenizeOptions extends CallOptions {
  /** Default true, as in the Python client. */
  readonly skipSpecialTokens?: boolean | undefined;
}

export interface ChatTemplateOptions extends CallOptions {
  /** Ends each text where the model's answer begins. */
  readonly addGenerationPrompt?: boolean | undefined;
}

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** Settings of a reader by their keys in config.yaml. What is left out has the server's default. */
export interface ReaderSettings extends Readonly<Record<string, unknown>> {
  /** A folder or file of the server's machine, or a name of the model hub. */
  readonly model_name: string;
  readonly device?: 'auto' | 'cpu' | 'cuda' | 'vulkan' | 'metal';
  readonly consumer_group?: string | readonly string[];
}

export interface DeleteReaderOptions extends CallOptions {
  /** Ends it at once, with the requests that it has; otherwise it finishes them first. */
  readonly force?: boolean | undefined;
}

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface ClientOptions {
  /** Scheme, host and optionally a path that a proxy puts in front; default `http://localhost`. */
  readonly baseUrl?: string | undefined;
  /** Port of the inference API; default the port in `baseUrl`, else 3000. */
  readonly port?: number | undefined;
  /** Port of the management API; default `port + 1`. */
  readonly managementPort?: number | undefined;
  /** Sent as `Authorization: Bearer …`: the key of the server, or of a proxy in front of it. */
  readonly apiKey?: string | undefined;
  /** The longest silence of the server: before an answer, and between two pieces of a stream. Default 600 000; 0 is none. */
  readonly timeoutMs?: number | undefined;
  /**
   * How often a request is sent again after a failure in which the server did no work: a refused connection, or a 503 with
   * Retry-After. Default 2.
   */
  readonly retries?: number | undefined;
  /** Used instead of the runtime's own `fetch`. */
  readonly fetch?: Fetch | undefined;
}
