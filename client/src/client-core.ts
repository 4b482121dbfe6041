// The calls of the library. Reading a file by its path, which differs between runtimes, is handed in by the entry points.
import { parseAnswer, parseJson, type ListAnswer, type SingleAnswer } from './answers.js';
import { CallScope, validateTimeoutMs } from './call-scope.js';
import { TakeoffApiError, TakeoffConnectionError, UnexpectedAnswerError } from './errors.js';
import { formBytes } from './form-bytes.js';
import { LazyStream, type GenerationStream, type StreamSource } from './generation-stream.js';
import { imageBlob, isBytes, type ReadPath } from './image-input.js';
import type {
  CallOptions,
  ChatMessage,
  ChatTemplateOptions,
  ClientOptions,
  DeleteReaderOptions,
  DetokenizeOptions,
  GenerateOptions,
  ReaderSettings,
  TokenizeOptions,
} from './options.js';
import {
  parseAddedReader,
  parseReaderConfig,
  type AddedReader,
  type ReaderConfig,
} from './reader-answers.js';
import { readStream } from './read-stream.js';
import { requestFields } from './request-fields.js';
import { serverAddresses, type ServerAddresses } from './server-addresses.js';
import {
  parseManagementStatus,
  parseReaderGroups,
  parseStatus,
  type ManagementStatus,
  type ReaderGroups,
  type ServerStatus,
} from './status.js';
import { startReading, type StreamPiece } from './stream-reading.js';
import {
  parseCount,
  parseMessages,
  parseText,
  parseTokens,
  type ListCount,
  type SingleCount,
  type Tokens,
} from './token-answers.js';
import { Transport, whileOpen, type OutgoingRequest } from './transport.js';

const DEFAULT_TIMEOUT_MS = 600_000;
const DEFAULT_RETRIES = 2;

type Prompts = string | readonly string[];

export class ClientCore {
  readonly #addresses: ServerAddresses;
  readonly #transport: Transport;
  readonly #timeoutMs: number;
  readonly #readPath: ReadPath;

  /** @throws InvalidInputError */
  constructor(options: ClientOptions, readPath: ReadPath) {
    const { apiKey, retries = DEFAULT_RETRIES, timeoutMs = DEFAULT_TIMEOUT_MS, fetch } = options;
    this.#addresses = serverAddresses(options);
    this.#transport = new Transport({ apiKey, retries, fetch });
    this.#timeoutMs = validateTimeoutMs(timeoutMs);
    this.#readPath = readPath;
  }

  /**
   * The answer to a prompt, or the answers to a list of prompts in its order. With an `image` the model sees it at the start of
   * each prompt.
   * @throws TakeoffClientError
   */
  generate(text: string, options?: GenerateOptions): Promise<SingleAnswer>;
  generate(text: readonly string[], options?: GenerateOptions): Promise<ListAnswer>;
  generate(text: Prompts, options?: GenerateOptions): Promise<SingleAnswer | ListAnswer>;
  generate(text: Prompts, options: GenerateOptions = {}): Promise<SingleAnswer | ListAnswer> {
    return this.#within(options, async (scope) => {
      const request = await this.#generateRequest('generate', requestFields(text, options), options, scope);
      const response = await this.#transport.send(request, scope);
      return parseAnswer(await readJson(response, scope), promptCount(text));
    });
  }

  /**
   * The answer of `generate`, piece by piece: `for await (const { text } of client.generateStream(…))`. Awaiting it gives the
   * whole answer.
   * Leaving the loop aborts the request.
   */
  generateStream(text: string, options?: GenerateOptions): GenerationStream<SingleAnswer>;
  generateStream(text: readonly string[], options?: GenerateOptions): GenerationStream<ListAnswer>;
  generateStream(text: Prompts, options?: GenerateOptions): GenerationStream<SingleAnswer | ListAnswer>;
  generateStream(text: Prompts, options: GenerateOptions = {}): GenerationStream<SingleAnswer | ListAnswer> {
    return new LazyStream(() => this.#openStream(text, options));
  }

  /** Whether the server is there and has a model that can answer. */
  healthy(options: CallOptions = {}): Promise<boolean> {
    return this.#within(options, async (scope) => {
      try {
        const response = await this.#transport.sendOnce(
          { url: `${this.#addresses.inference}/healthz` },
          scope,
        );
        await whileOpen(response.text(), scope);
        return true;
      } catch (error) {
        if (error instanceof TakeoffApiError && error.status === 503) return false;
        if (error instanceof TakeoffConnectionError) return false;
        throw error;
      }
    });
  }

  /** The readers that are live and dead. */
  status(options: CallOptions = {}): Promise<ServerStatus> {
    return this.#get(`${this.#addresses.inference}/status`, parseStatus, options);
  }

  /** What the management port tells the operator: configuration, process ids, loading progress, open prompts. */
  managementStatus(options: CallOptions = {}): Promise<ManagementStatus> {
    return this.#get(`${this.#addresses.management}/status`, parseManagementStatus, options);
  }

  /** The readers of each consumer group, by its name. */
  readers(options: CallOptions = {}): Promise<ReaderGroups> {
    return this.#get(`${this.#addresses.management}/reader_groups`, parseReaderGroups, options);
  }

  /** Starts a reader. It takes requests once it is live, which `managementStatus` tells. */
  createReader(settings: ReaderSettings, options: CallOptions = {}): Promise<AddedReader> {
    return this.#post(`${this.#addresses.management}/reader`, settings, parseAddedReader, options);
  }

  /** Ends a reader. Resolves when it has finished what it had and is gone. */
  deleteReader(readerId: string, { force = false, ...options }: DeleteReaderOptions = {}): Promise<void> {
    const url = `${this.#addresses.management}/reader/${encodeURIComponent(readerId)}${force ? '?force=true' : ''}`;
    return this.#within(options, async (scope) => {
      const response = await this.#transport.send({ url, method: 'DELETE' }, scope);
      await whileOpen(response.text(), scope);
    });
  }

  /** The model's own config.json and the settings of its reader. */
  readerConfig(readerId: string, options: CallOptions = {}): Promise<ReaderConfig> {
    const url = `${this.#addresses.management}/config/${encodeURIComponent(readerId)}`;
    return this.#get(url, parseReaderConfig, options);
  }

  /** The tokens of a text, or of a pair of texts, in the model of this reader. */
  tokenize(
    text: string | readonly [string, string],
    readerId: string,
    { skipSpecialTokens, useChatTemplate, imageSizes, ...options }: TokenizeOptions = {},
  ): Promise<Tokens> {
    const body = {
      text,
      skip_special_tokens: skipSpecialTokens,
      use_chat_template: useChatTemplate,
      image_sizes: imageSizes,
    };
    return this.#post(this.#toolUrl('tokenize', readerId), body, parseTokens, options);
  }

  /** The text of tokens, by their ids or by their spellings. */
  detokenize(
    tokens: readonly number[] | readonly string[],
    readerId: string,
    { skipSpecialTokens = true, ...options }: DetokenizeOptions = {},
  ): Promise<string> {
    const body = { tokens, skip_special_tokens: skipSpecialTokens };
    return this.#post(this.#toolUrl('detokenize', readerId), body, parseText, options);
  }

  /** Conversations as the texts that the model of this reader is prompted with. */
  chatTemplate(
    inputs: readonly (readonly ChatMessage[])[],
    readerId: string,
    { addGenerationPrompt = false, ...options }: ChatTemplateOptions = {},
  ): Promise<readonly string[]> {
    const body = { inputs, add_generation_prompt: addGenerationPrompt };
    return this.#post(this.#toolUrl('chat_template', readerId), body, parseMessages, options);
  }

  /** What `generate` with the same arguments would take in the model, and whether it fits. Nothing is generated. */
  count(text: string, options?: GenerateOptions): Promise<SingleCount>;
  count(text: readonly string[], options?: GenerateOptions): Promise<ListCount>;
  count(text: Prompts, options?: GenerateOptions): Promise<SingleCount | ListCount>;
  count(text: Prompts, options: GenerateOptions = {}): Promise<SingleCount | ListCount> {
    return this.#within(options, async (scope) => {
      const { body = '' } = await this.#generateRequest(
        'generate',
        requestFields(text, options),
        options,
        scope,
      );
      const response = await this.#transport.send({ url: `${this.#addresses.inference}/count`, body }, scope);
      return parseCount(await readJson(response, scope), promptCount(text));
    });
  }

  #toolUrl(tool: string, readerId: string): string {
    return `${this.#addresses.inference}/${tool}/${encodeURIComponent(readerId)}`;
  }

  #post<T>(url: string, body: unknown, parse: (body: unknown) => T, options: CallOptions): Promise<T> {
    return this.#within(options, async (scope) => {
      const response = await this.#transport.send({ url, body: JSON.stringify(body) }, scope);
      return parse(await readJson(response, scope));
    });
  }

  #get<T>(url: string, parse: (body: unknown) => T, options: CallOptions): Promise<T> {
    return this.#within(options, async (scope) => {
      const response = await this.#transport.send({ url }, scope);
      return parse(await readJson(response, scope));
    });
  }

  async #within<T>(options: CallOptions, call: (scope: CallScope) => Promise<T>): Promise<T> {
    const scope = this.#scope(options);
    try {
      return await call(scope);
    } finally {
      scope.close();
    }
  }

  #scope({ signal, timeoutMs = this.#timeoutMs }: CallOptions): CallScope {
    return new CallScope(signal, timeoutMs);
  }

  #openStream(text: Prompts, options: GenerateOptions): StreamSource<SingleAnswer | ListAnswer> {
    const scope = this.#scope(options);
    return { pieces: this.#pieces(text, options, scope), close: () => scope.close() };
  }

  async *#pieces(
    text: Prompts,
    options: GenerateOptions,
    scope: CallScope,
  ): AsyncGenerator<StreamPiece, SingleAnswer | ListAnswer, undefined> {
    // A stream is whole only when its metadata has come, so metadata is always asked for; callers see it if they asked for it.
    const fields = { ...requestFields(text, options), return_metadata: true };
    const request = await this.#generateRequest('generate_stream', fields, options, scope);
    const response = await this.#transport.send(request, scope);
    const reading = startReading(promptCount(text), options.returnMetadata === true);
    return yield* readStream(response, reading, scope);
  }

  async #generateRequest(
    endpoint: 'generate' | 'generate_stream',
    fields: Readonly<Record<string, unknown>>,
    { image }: GenerateOptions,
    scope: CallScope,
  ): Promise<OutgoingRequest> {
    const json = JSON.stringify(fields);
    const { inference } = this.#addresses;
    if (image === undefined) return { url: `${inference}/${endpoint}`, body: json };
    const url = `${inference}/image_${endpoint}`;
    if (isBytes(image)) return { url, body: formBytes(json, image) };
    const form = new FormData();
    form.set('json_data', json);
    // A fixed file name, because the server recognises the format by the bytes.
    form.set('image_data', await imageBlob(image, this.#readPath, scope.signal), 'image');
    return { url, body: form };
  }
}

const promptCount = (text: Prompts): number | null => (typeof text === 'string' ? null : text.length);

async function readJson(response: Response, scope: CallScope): Promise<unknown> {
  const text = await whileOpen(
    response.text(),
    scope,
    (cause) =>
      new TakeoffConnectionError(
        'client.connection_failed',
        'The connection broke before the whole answer had arrived.',
        { status: response.status, cause },
      ),
  );
  const body = parseJson(text);
  if (body !== undefined) return body;
  throw new UnexpectedAnswerError(
    `The answer should be JSON and is ${response.headers.get('content-type') ?? 'of no type'}.`,
    { status: response.status },
  );
}
