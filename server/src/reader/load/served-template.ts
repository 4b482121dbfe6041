// Which template a reader renders conversations with: the one of the setting `chat_template`, otherwise the one that the model was
// described with. A template of the setting that cannot be used stops the start; one of the model costs a warning and the requests that need it.
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { templateIn } from '../../checkpoint/tokenizer/own-template.js';
import { CheckpointError, ConfigError, InputError } from '../../errors.js';
import type { ChatTemplateSetting } from '../../link/lifecycle/messages.js';
import type {
  JinjaTemplate,
  ModelDescription,
  TemplateName,
  TokenSpellings,
} from '../../model/description.js';
import { ChatTemplate } from '../prompt/chat-template.js';
import { namedTemplate, type ConversationTemplate } from '../prompt/conversation-template.js';

export interface ServedTemplate {
  readonly template: ConversationTemplate;
  /** The description; if the template writes a token after an answer, that token ends answers. */
  readonly description: ModelDescription;
  /** Which template it is and why, for the log. */
  readonly conclusion: string;
  /** Why requests that need the template will be refused. */
  readonly warning: string | null;
}

/** Templates have kilobytes; configurations of tokenizers, in which a template may stand, have megabytes at most. */
const MAX_FILE_BYTES = 4 * 2 ** 20;

/** @throws ConfigError when the setting names a file that cannot be used */
export function serveTemplate(
  setting: ChatTemplateSetting | null,
  description: ModelDescription,
): ServedTemplate {
  if (setting?.kind === 'named') return serveNamed(setting.name, description, SAID_SO);
  if (setting?.kind === 'file') return serveFile(setting.path, description);
  const { template, templateReason } = description;
  if (typeof template === 'string') return serveNamed(template, description, templateReason);
  try {
    return serveJinja(template, description, templateReason);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return {
      template: refusing(error),
      description,
      conclusion: `conversations are not rendered: ${template.place} has a chat template (${templateReason})`,
      warning: `${error.message} Until then requests with use_chat_template are refused.`,
    };
  }
}

const SAID_SO = 'chat_template says so';

const serveNamed = (name: TemplateName, description: ModelDescription, reason: string): ServedTemplate => ({
  template: namedTemplate(name, description.wrapsImageInStartEnd),
  description,
  conclusion: `conversations are rendered with ${name} (${reason})`,
  warning: null,
});

function serveFile(path: string, description: ModelDescription): ServedTemplate {
  try {
    const jinja = readTemplate(path);
    // Clients get to see the place in messages, and need not know the folders of this machine.
    return serveJinja({ jinja, place: basename(path) }, description, SAID_SO);
  } catch (error) {
    if (error instanceof InputError || error instanceof CheckpointError)
      throw new ConfigError(`chat_template is ${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

function readTemplate(path: string): string {
  let bytes: Uint8Array;
  try {
    const facts = statSync(path);
    if (!facts.isFile()) throw new ConfigError(`chat_template is ${path}, which is no file.`);
    const { size } = facts;
    if (size > MAX_FILE_BYTES)
      throw new ConfigError(
        `chat_template is ${path}, which has ${size} bytes; ${MAX_FILE_BYTES} are allowed.`,
      );
    bytes = readFileSync(path);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`chat_template is ${path}, which cannot be read.`, { cause: error });
  }
  const jinja = templateIn(bytes, path);
  if (jinja === null) throw new ConfigError(`chat_template is ${path}, in which there is no template.`);
  return jinja;
}

function serveJinja(
  { jinja, place }: JinjaTemplate,
  description: ModelDescription,
  reason: string,
): ServedTemplate {
  const { tokenizer, vision, wrapsImageInStartEnd } = description;
  const template = new ChatTemplate({
    source: jinja,
    place,
    tokenizer,
    tokens: spellingsOf(tokenizer),
    takesImages: vision !== null,
    wrapsImageInStartEnd,
  });
  const end = tokenizer.addedTokens.find(({ content }) => content === template.endToken);
  const eosIds = end === undefined ? tokenizer.eosIds : [...new Set([...tokenizer.eosIds, end.id])];
  return {
    template,
    description: { ...description, tokenizer: { ...tokenizer, eosIds } },
    conclusion: `conversations are rendered with the chat template of ${place} (${reason}); it takes the content of a message as a ${template.contentForm}`,
    warning: null,
  };
}

/** Descriptions of older versions do not spell the tokens; their ids do. */
function spellingsOf({
  spellings,
  bosId,
  eosIds,
  addedTokens,
}: ModelDescription['tokenizer']): TokenSpellings {
  const spellingOf = (id: number | null | undefined) =>
    addedTokens.find((token) => token.id === id)?.content ?? null;
  return spellings ?? { bos: spellingOf(bosId), eos: spellingOf(eosIds[0]), unknown: null, pad: null };
}

const refusing = (error: InputError): ConversationTemplate => ({
  render: () => {
    throw error;
  },
  stopStrings: [],
});
