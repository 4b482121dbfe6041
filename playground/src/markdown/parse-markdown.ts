// The part of Markdown that answers use, as a tree of plain data: paragraphs, headings, lists, quotations, code, emphasis. Links,
// images and HTML stay the text that they are, so an answer can lead nowhere and load nothing. Pure; any text parses.

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'strong' | 'emphasis'; readonly text: string };

export type Block =
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'heading'; readonly level: number; readonly text: string }
  | { readonly kind: 'quote'; readonly text: string }
  | {
      readonly kind: 'list';
      readonly isOrdered: boolean;
      readonly start: number;
      readonly items: readonly string[];
    }
  | { readonly kind: 'code'; readonly text: string };

const FENCE = /^ {0,3}(?:```|~~~)/u;
const HEADING = /^ {0,3}(#{1,6}) +(.*)$/u;
const BULLET = /^ {0,3}[-*+] +(.*)$/u;
const NUMBER = /^ {0,3}(\d{1,9})[.)] +(.*)$/u;
const QUOTE = /^ {0,3}> ?(.*)$/u;

export function parseBlocks(text: string): readonly Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length;) {
    const [block, next] = blockAt(lines, at);
    if (block !== null) blocks.push(block);
    at = next;
  }
  return blocks;
}

type Found = readonly [block: Block | null, next: number];

function blockAt(lines: readonly string[], at: number): Found {
  const line = lines[at] ?? '';
  if (line.trim() === '') return [null, at + 1];
  if (FENCE.test(line)) return codeAt(lines, at);
  const [, marks, title] = HEADING.exec(line) ?? [];
  if (marks !== undefined) return [{ kind: 'heading', level: marks.length, text: title ?? '' }, at + 1];
  if (BULLET.test(line)) return listAt(lines, at, BULLET, 1);
  const number = NUMBER.exec(line)?.[1];
  if (number !== undefined) return listAt(lines, at, NUMBER, Number(number));
  if (QUOTE.test(line)) {
    const end = endOf(lines, at, (one) => QUOTE.test(one));
    const said = lines.slice(at, end).map((one) => QUOTE.exec(one)?.[1] ?? '');
    return [{ kind: 'quote', text: said.join('\n') }, end];
  }
  const end = endOf(lines, at, isParagraphLine);
  return [{ kind: 'paragraph', text: lines.slice(at, end).join('\n') }, end];
}

const isParagraphLine = (line: string): boolean =>
  line.trim() !== '' && ![FENCE, HEADING, BULLET, NUMBER, QUOTE].some((mark) => mark.test(line));

/** The first line from `at + 1` on that does not belong. */
function endOf(lines: readonly string[], at: number, belongs: (line: string) => boolean): number {
  let end = at + 1;
  while (end < lines.length && belongs(lines[end] ?? '')) end += 1;
  return end;
}

/** Code that nobody has closed yet, as in the middle of a stream, goes on to the end. */
function codeAt(lines: readonly string[], at: number): Found {
  const end = endOf(lines, at, (line) => !FENCE.test(line));
  return [{ kind: 'code', text: lines.slice(at + 1, end).join('\n') }, end + 1];
}

function listAt(lines: readonly string[], at: number, mark: RegExp, start: number): Found {
  const items: string[] = [];
  let next = at;
  for (; next < lines.length; next += 1) {
    const line = lines[next] ?? '';
    const item = mark.exec(line)?.at(-1);
    if (item !== undefined) items.push(item);
    else if (/^ {2,}\S/u.test(line) && items.length > 0) items.push(`${items.pop() ?? ''}\n${line.trim()}`);
    else break;
  }
  return [{ kind: 'list', isOrdered: mark === NUMBER, start, items }, next];
}

/** Code first, because what stands in it is no emphasis. Each alternative ends at its own first closing mark. */
const INLINE =
  /`([^`\n]+)`|\*\*([^*\n]+)\*\*|\*([^*\s][^*\n]*)\*|(?<![\p{L}\p{N}_])_([^_\s][^_\n]*)_(?![\p{L}\p{N}_])/gu;

export function parseInline(text: string): readonly Inline[] {
  const parts: Inline[] = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    const [whole, code, strong, star, underscore] = match;
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) });
    if (code !== undefined) parts.push({ kind: 'code', text: code });
    else if (strong !== undefined) parts.push({ kind: 'strong', text: strong });
    else parts.push({ kind: 'emphasis', text: star ?? underscore ?? '' });
    end = match.index + whole.length;
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) });
  return parts;
}
