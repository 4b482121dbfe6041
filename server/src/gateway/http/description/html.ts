// Text and elements of HTML. What is text stays text: only what these functions return is markup.

/** Markup, as no plain string is. */
export interface Html {
  readonly markup: string;
}

export type HtmlPart = string | Html | readonly HtmlPart[];

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

const escape = (text: string): string => text.replaceAll(/[&<>"]/gu, (char) => ESCAPES[char] ?? char);

export function markupOf(part: HtmlPart): string {
  if (typeof part === 'string') return escape(part);
  return 'markup' in part ? part.markup : part.map(markupOf).join('');
}

/** An element with an end tag. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string>>,
  ...content: readonly HtmlPart[]
): Html {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(value)}"`);
  return { markup: `<${name}${given.join('')}>${markupOf(content)}</${name}>` };
}

export const code = (text: string): Html => element('code', {}, text);

/** What stands between backticks is code. */
export const inlineText = (text: string): readonly HtmlPart[] =>
  text.split('`').map((piece, index) => (index % 2 === 0 ? piece : code(piece)));
