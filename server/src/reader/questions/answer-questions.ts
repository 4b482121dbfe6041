// Answers the questions of the link from the model's tokenizer and chat template: what texts are as tokens and tokens as text, how
// conversations are rendered, how many rows prompts take. Nothing here waits for the engine or takes a place in a queue. What it counts
// is what the same prompt takes when it is answered, because both go through PromptEncoder.
import { Defect, InputError } from '../../errors.js';
import type { ImageTokenBudget } from '../../model/image-token-budget.js';
import type { Prompt } from '../../link/requests/messages.js';
import type { Answer, ImageSize, PromptCount, Question } from '../../link/requests/questions.js';
import { toTokenId, type TokenId } from '../ids.js';
import { IMAGE_MARKER } from '../prompt/marked-pieces.js';
import { PromptEncoder, type PromptEncoderOptions } from '../prompt/prompt-encoder.js';
import { Spellings } from './spellings.js';

export interface QuestionOptions extends PromptEncoderOptions {
  /** Rows that a sequence may have. */
  readonly contextTokens: number;
  /** The model's config.json; null where none came with it. */
  readonly modelConfig: string | null;
}

/** All but the one that changes the reader. */
export type PureQuestion = Exclude<Question, { readonly kind: 'adapters' }>;

type Asked<Kind extends Question['kind']> = Extract<Question, { readonly kind: Kind }>;

export class QuestionAnswerer {
  readonly #options: QuestionOptions;
  readonly #encoder: PromptEncoder;
  readonly #spellings: Spellings;
  readonly #specialIds: ReadonlySet<number>;

  constructor(options: QuestionOptions) {
    this.#options = options;
    this.#encoder = new PromptEncoder(options);
    this.#spellings = new Spellings(options.tokenizer);
    const { addedTokens } = options.tokenizer.settings;
    this.#specialIds = new Set(addedTokens.filter(({ special }) => special).map(({ id }) => id));
  }

  /** @throws InputError with the code of what cannot be answered */
  async answer(question: PureQuestion): Promise<Answer> {
    switch (question.kind) {
      case 'tokenize':
        return { kind: 'tokenize', tokens: this.#tokens(question) };
      case 'detokenize':
        return { kind: 'detokenize', text: this.#text(await this.#idsOf(question.tokens), question) };
      case 'render':
        return { kind: 'render', texts: this.#render(question) };
      case 'count': {
        const counts = question.prompts.map((prompt) => this.#count(prompt, question));
        return { kind: 'count', contextTokens: this.#options.contextTokens, counts };
      }
      case 'model_config':
        return { kind: 'model_config', json: this.#options.modelConfig };
    }
  }

  #tokens({ prompts, images, skipsSpecialTokens }: Asked<'tokenize'>): string[] {
    const { tokenizer } = this.#options;
    return prompts
      .flatMap((prompt) => this.#encoder.encode(prompt, null))
      .flatMap((item) => {
        if (item.kind === 'image')
          return Array.from({ length: this.#rowsOf(images, item.image, null) }, () => IMAGE_MARKER);
        return skipsSpecialTokens && this.#specialIds.has(item.id) ? [] : [tokenizer.spelling(item.id)];
      });
  }

  async #idsOf(tokens: readonly string[] | readonly number[]): Promise<TokenId[]> {
    const { tokenCount } = this.#options.tokenizer.settings;
    const isId = (token: string | number): token is number => typeof token === 'number';
    const ids = tokens.every(isId) ? null : await this.#spellings.ids();
    return tokens.map((token: string | number, index: number) => {
      if (isId(token) && token < tokenCount) return toTokenId(token);
      const id = isId(token) ? undefined : ids?.get(token);
      if (id !== undefined) return id;
      throw new InputError(
        'request.out_of_range',
        isId(token)
          ? `tokens[${index}] is ${token}; this model has the tokens 0 to ${tokenCount - 1}.`
          : `tokens[${index}] is ${JSON.stringify(token.slice(0, MAX_SHOWN_CHARACTERS))}, which no token of this model is spelt like. /tokenize tells how they are.`,
      );
    });
  }

  /** As transformers decodes: the blank that SentencePiece puts in front of a text is taken off. */
  #text(ids: readonly TokenId[], { skipsSpecialTokens }: Asked<'detokenize'>): string {
    const { tokenizer } = this.#options;
    const { kind, addSpacePrefix, removesExtraWhitespace } = tokenizer.settings;
    const bytes = ids.map((id) => {
      if (!this.#specialIds.has(id)) return tokenizer.pieceBytes(id);
      return Buffer.from(skipsSpecialTokens ? '' : tokenizer.spelling(id));
    });
    const text = Buffer.concat(bytes).toString('utf8');
    const hasPrefix = kind === 'sentencepiece' && (addSpacePrefix || removesExtraWhitespace);
    return hasPrefix && text.startsWith(' ') ? text.slice(1) : text;
  }

  #render({ conversations, opensAnswer }: Asked<'render'>): string[] {
    return conversations.map((conversation) =>
      this.#options.template
        .render(conversation, opensAnswer)
        .map((piece) => {
          if (piece.kind === 'image') return IMAGE_MARKER;
          return piece.kind === 'text' ? piece.text : piece.content;
        })
        .join(''),
    );
  }

  #count(prompt: Prompt, { images, promptMaxTokens, imageTokenBudget }: Asked<'count'>): PromptCount {
    const items = this.#encoder.encode(prompt, promptMaxTokens);
    const imageTokens = items.reduce(
      (rows, item) => rows + (item.kind === 'image' ? this.#rowsOf(images, item.image, imageTokenBudget) : 0),
      0,
    );
    const textTokens = items.filter(({ kind }) => kind === 'token').length;
    return { promptTokens: textTokens + imageTokens, imageTokens };
  }

  #rowsOf(images: readonly ImageSize[], image: number, budget: ImageTokenBudget | null): number {
    const size = images[image];
    if (size === undefined) throw new Defect(`A question names image ${image} and has no size of it.`);
    return this.#encoder.imageRows(size, budget).rows;
  }
}

/** Of a client's text that a message repeats. */
const MAX_SHOWN_CHARACTERS = 60;
