// How Python programs read the streams, each by the rules of its own library and none by the standard: written from what
// those rules are known to be, to see that the server's bytes come out right under all of them.

/** Event readers split the decoded text at empty lines and keep one space less after the colon. */
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
 * LangChain's TitanTakeoff adds up the data of events, cuts at a literal `data:` in it and drops `</s>`. Streams that leak their
 * own syntax into the text show here.
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

/** The oldest way: lines of the response with the text `data:` taken off, no event reader at all. */
export const strippedLines = (body: string): string =>
  body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replace('data:', '').replaceAll('</s>', ''))
    .join('');
