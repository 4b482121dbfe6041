// From what is asked to the items that its rows are made of: the template or the raw prompt, and token ids; and how many rows an image
// takes. Whoever answers a prompt and whoever only counts it go through here, so that both find the same.
import { InputError } from '../../errors.js';
import { keptRows, layoutImage } from '../../image/geometry.js';
import type { ImagePayload, Prompt } from '../../link/requests/messages.js';
import type { ModelDescription } from '../../model/description.js';
import type { ImageTokenBudget } from '../../model/image-token-budget.js';
import type { ConversationTemplate } from './conversation-template.js';
import { encodePrompt, type PromptItem } from './encode.js';
import type { PromptPiece } from './pieces.js';
import { partsToPieces } from './raw-prompt.js';
import type { Tokenizer } from './tokenizer.js';

export interface PromptEncoderOptions {
  readonly description: ModelDescription;
  readonly tokenizer: Tokenizer;
  readonly template: ConversationTemplate;
  /** Rows of an image at most where a request says nothing; absent: all of them. */
  readonly imageTokenBudget?: ImageTokenBudget;
  /** Whether the tower can tell which rows of an image to keep; absent: it can. */
  readonly canReduceImages?: boolean;
}

/** What an image takes in a prompt. */
export interface ImageRowCount {
  readonly rows: number;
  /** The same number where rows are left out; null where all are kept. */
  readonly keptRows: number | null;
}

/** Of an oriented image, before preprocessing. */
export type ImageSize = Pick<ImagePayload, 'widthPx' | 'heightPx'>;

export class PromptEncoder {
  readonly #options: PromptEncoderOptions;

  constructor(options: PromptEncoderOptions) {
    this.#options = options;
  }

  /**
   * `promptMaxTokens`: see `encodePrompt`.
   * @throws InputError request.template_failed
   */
  encode(asked: Prompt, promptMaxTokens: number | null): readonly PromptItem[] {
    return encodePrompt(this.#pieces(asked), this.#options.tokenizer, promptMaxTokens).items;
  }

  /**
   * @param asked for by the request; null where it says nothing
   * @throws InputError request.model_takes_no_images; request.not_supported where rows would have to be left out and cannot
   */
  imageRows({ widthPx, heightPx }: ImageSize, asked: ImageTokenBudget | null): ImageRowCount {
    const { vision } = this.#options.description;
    if (vision === null) {
      throw new InputError(
        'request.model_takes_no_images',
        'The model of this consumer group does not accept images.',
      );
    }
    const layout = layoutImage(widthPx, heightPx, vision);
    const budget = asked ?? this.#options.imageTokenBudget ?? 'full';
    const kept = budget === 'full' ? null : keptRows(layout, budget);
    if (kept !== null && this.#options.canReduceImages === false) {
      throw new InputError(
        'request.not_supported',
        `image_token_budget is ${String(budget)} and the image has ${layout.imageTokens} tokens, but no layer of this model's vision tower runs, ` +
          'so no class token tells which of them to keep. Send "full"; the reader\'s setting image_token_budget must be full, too.',
      );
    }
    return { rows: kept ?? layout.imageTokens, keptRows: kept };
  }

  #pieces(prompt: Prompt): readonly PromptPiece[] {
    const { template, description } = this.#options;
    return prompt.kind === 'raw'
      ? partsToPieces(prompt.parts, description.wrapsImageInStartEnd)
      : template.render(prompt);
  }
}
