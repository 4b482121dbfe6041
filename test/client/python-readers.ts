// How Python programs read the streams. Each follows the rules of its own library, none the WHATWG standard; the server's bytes
// must come out right under all of them.

/** Python's event readers split the decoded text at empty lines and remove one space after the colon. */
export function readerEvents(body: string): string[] {
  return body
    .split(/\r\n\r\n|\n\n|\r\r/u)
    .filter((block) => block.trim() !== '')
    .map((block) =>
      block
        .split(/\r\n|\n|\r/u)
        .map((line) => (line.startsWith('data:') ? line.slice(line.startsWith('data: ') ? 6 : 5) : undefined))
        .filter((line) => line !== undefined)
        .join('\n'),
    );
}

/**
 * LangChain's TitanTakeoff joins the data of events, cuts at a literal `data:` in it and drops `</s>`. A server whose stream leaks
 * `data:` into the text loses part of its answer here.
 */
export function langchainText(events: readonly string[]): string {
  let [text, buffer] = ['', ''];
  for (const data of events) {
    buffer += data;
    if (!buffer.includes('data:')) continue;
    const content = buffer.startsWith('data:') ? '' : (buffer.split('data:')[0] ?? '').replace(/\n+$/u, '');
    text += content;
    buffer = '';
  }
  return text + buffer.replaceAll('</s>', '');
}

/** The oldest way: no event reader, but the lines of the response with the text `data:` removed. */
export const strippedLines = (body: string): string =>
  body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace('data:', '').replaceAll('</s>', ''))
    .join('');
