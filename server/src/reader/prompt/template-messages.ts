// A conversation as the variables of a chat template. Templates of language models take a text as the content of a message, those of
// transformers' LLaVA processors a list of parts. In a text an image is the trusted marker `<image>`, placed as in a fixed template;
// what a client typed is marked, so that no trick of a template turns it into more than text.
import type { Conversation, PromptPart } from '../../link/requests/messages.js';
import type { TokenSpellings } from '../../model/description.js';
import { strftimeNow } from './jinja/day-of-request.js';
import { MarkedText } from './jinja/marked-text.js';
import { Dict, List, NONE, written, type Value } from './jinja/values.js';
import { IMAGE_MARKER } from './marked-pieces.js';
import { partsToPieces } from './raw-prompt.js';

export const CONTENT_FORMS = ['list', 'text'] as const;
export type ContentForm = (typeof CONTENT_FORMS)[number];

const typed = (text: string): MarkedText => MarkedText.of(text, 'typed');
const dict = (entries: Readonly<Record<string, Value>>): Dict => new Dict(new Map(Object.entries(entries)));

/** What transformers hands to a template: absent tokens are undefined, tools and documents are None. */
export function templateVariables(
  { system, turns }: Pick<Conversation, 'system' | 'turns'>,
  form: ContentForm,
  tokens: TokenSpellings,
  { now, opensAnswer }: { readonly now: Date; readonly opensAnswer: boolean },
): ReadonlyMap<string, Value> {
  const systemParts: PromptPart[] = system === null ? [] : [{ kind: 'text', text: system }];
  const messages = [...(system === null ? [] : [{ role: 'system', parts: systemParts }]), ...turns].map(
    ({ role, parts }) => dict({ role: written(role), content: contentOf(parts, form) }),
  );
  const spelled = [
    ['bos_token', tokens.bos],
    ['eos_token', tokens.eos],
    ['unk_token', tokens.unknown],
    ['pad_token', tokens.pad],
  ] as const;
  return new Map<string, Value>([
    ['messages', new List(messages)],
    ['tools', NONE],
    ['documents', NONE],
    ['strftime_now', strftimeNow(now)],
    ['add_generation_prompt', opensAnswer],
    ...spelled.flatMap(([name, spelling]) => (spelling === null ? [] : [[name, written(spelling)] as const])),
  ]);
}

function contentOf(parts: readonly PromptPart[], form: ContentForm): Value {
  if (form === 'text') {
    const pieces = partsToPieces(parts, false);
    return MarkedText.concat(
      pieces.map((piece) => (piece.kind === 'text' ? typed(piece.text) : written(IMAGE_MARKER))),
    );
  }
  return new List(
    parts.flatMap((part) => {
      if (part.kind === 'image') return [dict({ type: written('image') })];
      return part.text === '' ? [] : [dict({ type: written('text'), text: typed(part.text) })];
    }),
  );
}
