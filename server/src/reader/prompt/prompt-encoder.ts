// From what is asked to the items that its rows are made of: the template or the raw prompt, and token ids; and how many rows an image
// takes. Whoever answers a prompt and whoever only counts it go through here, so that both find the same.
import { InputError } from '../../errors.js';
import { layoutImage } from '../../image/geometry.js';
import type { ImagePayload, Prompt } from '../../link/requests/messages.js';
import type { ModelDescription } from '../../model/description.js';
import type { ConversationTemplate } from './conversation-template.js';
import { encodePrompt, type PromptItem } from './encode.js';
import type { PromptPiece } from './pieces.js';
import { partsToPieces } from './raw-prompt.js';
import type { Tokenizer } from './tokenizer.js';

export interface PromptEncoderOptions {
  readonly description: ModelDescription;
  readonly tokenizer: Tokenizer;
  readonly template: ConversationTemplate;
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

  /** @throws InputError request.model_takes_no_images */
  imageRows({ widthPx, heightPx }: ImageSize): number {
    const { vision } = this.#options.description;
    if (vision === null) {
      throw new InputError(
        'request.model_takes_no_images',
        'The model of this consumer group does not accept images.',
      );
    }
    return layoutImage(widthPx, heightPx, vision).imageTokens;
  }

  #pieces(prompt: Prompt): readonly PromptPiece[] {
    const { template, description } = this.#options;
    return prompt.kind === 'raw'
      ? partsToPieces(prompt.parts, description.wrapsImageInStartEnd)
      : template.render(prompt);
  }
}
