// From a request message to sequences: token ids, exact row counts, and the refusal of what can never fit. Pure but for the tokenizer
// it is handed.
import { isDeepStrictEqual } from 'node:util';
import { Defect, InputError } from '../errors.js';
import type { GenerateMessage, ImagePayload, Prompt, SamplingParameters } from '../link/requests/messages.js';
import type { CompiledConstraint } from './constraint/constraints.js';
import type { RowNumbers } from './kv/row-key.js';
import type { PromptItem } from './prompt/encode.js';
import { OutputText } from './prompt/output-text.js';
import { PromptEncoder, type PromptEncoderOptions } from './prompt/prompt-encoder.js';
import { Sequence, type SequenceImage } from './sequence.js';
import { TokenLogprobs } from './token-logprobs.js';
import { imageIdentity } from './vision/image-identity.js';

export interface FactoryOptions extends PromptEncoderOptions {
  /** One for all sequences of a KV cache. */
  readonly rowNumbers: RowNumbers;
  readonly contextTokens: number;
}

interface EncodedBefore {
  readonly requestId: string;
  readonly asked: Prompt;
  readonly promptMaxTokens: number | null;
  readonly items: readonly PromptItem[];
}

export class SequenceFactory {
  readonly #options: FactoryOptions;
  readonly #encoder: PromptEncoder;
  #lastEncoded: EncodedBefore | undefined;

  constructor(options: FactoryOptions) {
    this.#options = options;
    this.#encoder = new PromptEncoder(options);
  }

  /** @throws InputError request.does_not_fit, request.model_takes_no_images, request.template_failed */
  create(message: GenerateMessage, prompt: number, constraint: CompiledConstraint | null = null): Sequence {
    const { template, tokenizer, contextTokens, rowNumbers } = this.#options;
    const { cacheSalt, loraId } = message;
    const images = message.images.map((payload) => this.#image(payload, message));
    const asked = message.prompts[prompt];
    if (asked === undefined) throw new Defect(`A request has no prompt ${prompt}.`);
    const items = this.#encode(asked, message);
    const stops = asked.kind === 'conversation' ? template.stopStrings : [];
    const sampling = samplingOf(message.sampling, prompt);
    this.#validateBias(sampling);
    const sequence = new Sequence({
      requestId: message.requestId,
      prompt,
      items,
      images,
      cacheSalt,
      adapter: loraId,
      rowNumbers,
      sampling,
      contextTokens,
      constraint,
      output: new OutputText(tokenizer, [...stops, ...sampling.stop], constraint !== null),
      logprobs: new TokenLogprobs(tokenizer),
    });
    if (sequence.promptRows === 0) {
      throw new InputError(
        'request.does_not_fit',
        'The prompt has no tokens; this model adds no beginning-of-sequence token, so text must not be empty.',
      );
    }
    if (sequence.promptRows >= contextTokens) {
      const { promptRows, imageRows: image } = sequence;
      throw new InputError(
        'request.does_not_fit',
        `The prompt needs ${promptRows} tokens (${image} of them for images), and at least one is needed for the answer, ` +
          `but this model holds ${contextTokens}. Shorten the text, or set prompt_max_tokens or a larger max_sequence_length if the model allows it.`,
      );
    }
    return sequence;
  }

  /** Several answers to a prompt are asked for as several equal prompts of a request, which are encoded once. */
  #encode(asked: Prompt, { requestId, promptMaxTokens }: GenerateMessage): readonly PromptItem[] {
    const last = this.#lastEncoded;
    const isSameRequest = last?.requestId === requestId && last.promptMaxTokens === promptMaxTokens;
    if (isSameRequest && isDeepStrictEqual(last.asked, asked)) return last.items;
    const items = this.#encoder.encode(asked, promptMaxTokens);
    this.#lastEncoded = { requestId, asked, promptMaxTokens, items };
    return items;
  }

  #image(payload: ImagePayload, { imageTokenBudget, cacheSalt }: GenerateMessage): SequenceImage {
    const { rows, keptRows } = this.#encoder.imageRows(payload, imageTokenBudget);
    return { identity: imageIdentity(payload, keptRows, cacheSalt), payload, rows, keptRows };
  }

  #validateBias({ logitBias }: SamplingParameters): void {
    const { tokenCount } = this.#options.description.tokenizer;
    const unknown = logitBias.find(({ token }) => token >= tokenCount);
    if (unknown === undefined) return;
    throw new InputError(
      'request.out_of_range',
      `logit_bias names token ${unknown.token}; this model has the tokens 0 to ${tokenCount - 1}.`,
    );
  }
}

const SEED_END = 2 ** 32;

/** Answers to the same prompt, drawn from one seed, must differ: each has a seed of its own. */
const samplingOf = (sampling: SamplingParameters, prompt: number): SamplingParameters =>
  sampling.seed === null ? sampling : { ...sampling, seed: (sampling.seed + prompt) % SEED_END };
