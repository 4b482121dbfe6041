// A chat template in Jinja that renders conversations as transformers would with Python's Jinja. Made ready once: parsed, and tried on
// short conversations to learn how it takes the content of a message and which token ends an answer. Each rendering is bounded in
// steps and characters. What cannot be rendered as Python renders it is refused with a sentence that says what to do.
import { InputError } from '../../errors.js';
import type { Conversation, PromptPart, Turn } from '../../link/requests/messages.js';
import type { TokenizerSettings, TokenSpellings } from '../../model/description.js';
import type { ConversationTemplate } from './conversation-template.js';
import { Budget } from './jinja/budget.js';
import { evaluateTemplate } from './jinja/evaluate.js';
import type { MarkedText } from './jinja/marked-text.js';
import { parseTemplate } from './jinja/parse-template.js';
import type { Statement } from './jinja/syntax.js';
import { TemplateFault } from './jinja/template-fault.js';
import { MarkedPieces } from './marked-pieces.js';
import type { PromptPiece } from './pieces.js';
import { endsWithUser } from './templates.js';
import { CONTENT_FORMS, templateVariables, type ContentForm } from './template-messages.js';

export interface ChatTemplateOptions {
  /** The template in Jinja. */
  readonly source: string;
  /** Where it stands, for messages: a file's name or path. */
  readonly place: string;
  readonly tokenizer: Pick<TokenizerSettings, 'addedTokens' | 'addBos'>;
  readonly tokens: TokenSpellings;
  readonly takesImages: boolean;
  readonly wrapsImageInStartEnd: boolean;
  /** For templates that ask what day it is; the clock of this machine where it is not given. */
  readonly now?: () => Date;
}

type Exchange = Pick<Conversation, 'system' | 'turns'>;

/** Templates of today take up to 200 steps for a message. These are some 30 milliseconds, and some 300 microseconds more for a turn. */
const BASE_STEPS = 100_000;
const STEPS_PER_TURN = 1_000;
/** A step pays for 32 characters, so a template may go through what was typed so many times … */
const STEPS_PER_CHARACTER = 1;
/** … and print it twice, beside so much of its own. */
const MAX_COPIES = 2;
const MAX_OWN_CHARACTERS = 65_536;

const QUESTION = 'takeoff asks';
const ANSWER = 'takeoff answers';
const QUESTION_PART: PromptPart = { kind: 'text', text: QUESTION };
const ANSWER_TURN: Turn = { role: 'assistant', parts: [{ kind: 'text', text: ANSWER }] };

export class ChatTemplate implements ConversationTemplate {
  /** A token that the template writes after an answer; null where it writes none that the tokenizer knows. */
  readonly endToken: string | null;
  readonly contentForm: ContentForm;
  readonly stopStrings = [];
  readonly #options: ChatTemplateOptions;
  readonly #statements: readonly Statement[];
  readonly #pieces: MarkedPieces;

  /** @throws InputError request.template_failed */
  constructor(options: ChatTemplateOptions) {
    this.#options = options;
    this.#pieces = new MarkedPieces(options.tokenizer.addedTokens, options.wrapsImageInStartEnd);
    this.#statements = this.#explained(() => parseTemplate(options.source));
    this.contentForm = this.#explained(() => this.#findContentForm());
    this.endToken = this.#findEndToken();
  }

  render(conversation: Exchange, opensAnswer?: boolean): readonly PromptPiece[] {
    return this.#explained(() => this.#render(conversation, this.contentForm, opensAnswer));
  }

  #render(
    conversation: Exchange,
    form: ContentForm,
    opensAnswer = endsWithUser(conversation.turns),
  ): readonly PromptPiece[] {
    const parts = conversation.turns.flatMap((turn) => turn.parts);
    const images = parts.flatMap((part) => (part.kind === 'image' ? [part.image] : []));
    const { pieces, imageCount } = this.#pieces.split(
      this.#evaluate(conversation, form, opensAnswer),
      images,
    );
    if (imageCount !== images.length) {
      throw new TemplateFault(
        'failed',
        `it writes ${imageCount} times <image> for a conversation with ${images.length} images`,
      );
    }
    const [first, ...rest] = pieces;
    const { tokens, tokenizer } = this.#options;
    // The tokenizer adds this token in front of every prompt; written by the template too it would stand there twice.
    const isDoubled = tokenizer.addBos && first?.kind === 'special' && first.content === tokens.bos;
    return isDoubled ? rest : pieces;
  }

  #evaluate(conversation: Exchange, form: ContentForm, opensAnswer: boolean): MarkedText {
    const typedCharacters =
      (conversation.system?.length ?? 0) +
      conversation.turns
        .flatMap(({ parts }) => parts)
        .reduce((sum, part) => sum + (part.kind === 'text' ? part.text.length : 0), 0);
    const budget = new Budget(
      BASE_STEPS + STEPS_PER_TURN * conversation.turns.length + STEPS_PER_CHARACTER * typedCharacters,
    );
    const { tokens, now } = this.#options;
    const variables = templateVariables(conversation, form, tokens, {
      now: now?.() ?? new Date(),
      opensAnswer,
    });
    const text = evaluateTemplate(this.#statements, variables, budget);
    const most = MAX_OWN_CHARACTERS + MAX_COPIES * typedCharacters;
    if (text.text.length > most)
      throw new TemplateFault(
        'too_large',
        `it writes ${text.text.length} characters where ${most} are allowed`,
      );
    return text;
  }

  /** The first form in which a question and an image, if the model takes any, both come out. */
  #findContentForm(): ContentForm {
    const image: PromptPart = { kind: 'image', image: 0 };
    const parts = this.#options.takesImages ? [image, QUESTION_PART] : [QUESTION_PART];
    let fault: TemplateFault | undefined;
    for (const form of CONTENT_FORMS) {
      try {
        const pieces = this.#render({ system: null, turns: [{ role: 'user', parts }] }, form);
        if (pieces.some((piece) => piece.kind === 'text' && piece.text.includes(QUESTION))) return form;
        fault = new TemplateFault('failed', 'it does not write what the user says');
      } catch (error) {
        if (!(error instanceof TemplateFault)) throw error;
        fault = error;
      }
    }
    throw fault ?? new TemplateFault('failed', 'it writes nothing');
  }

  #findEndToken(): string | null {
    const turns: Turn[] = [{ role: 'user', parts: [QUESTION_PART] }, ANSWER_TURN];
    const pieces = this.#renderIfPossible({ system: null, turns });
    const answerAt = pieces.findLastIndex((piece) => piece.kind === 'text' && piece.text.includes(ANSWER));
    const isBlank = (piece: PromptPiece) => piece.kind === 'text' && piece.text.trim() === '';
    const next = pieces.slice(answerAt + 1).find((piece) => !isBlank(piece));
    return answerAt !== -1 && next?.kind === 'special' ? next.content : null;
  }

  /** Some templates refuse a conversation that ends with an answer; nothing is learned from them. */
  #renderIfPossible(conversation: Exchange): readonly PromptPiece[] {
    try {
      return this.#render(conversation, this.contentForm);
    } catch (error) {
      if (error instanceof TemplateFault) return [];
      throw error;
    }
  }

  #explained<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw error instanceof TemplateFault ? this.#explain(error) : error;
    }
  }

  #explain(fault: TemplateFault): InputError {
    const subject = `The chat template of ${this.#options.place}`;
    const place = fault.line === null ? '' : ` (line ${fault.line})`;
    const message =
      fault.kind === 'raised'
        ? `${subject} refuses the conversation: ${fault.message}`
        : `${subject} cannot be used: ${fault.message}${place}. Set chat_template to the name of a built-in template or to the path of another Jinja file.`;
    return new InputError('request.template_failed', message, { cause: fault });
  }
}
