// Writes server-sent events byte for byte as Takeoff does: `data:` without a space, one extra space where a line itself begins
// with a space (parsers strip one), one `data:` line for each line of the value. No ids or retry lines, and comments only where a
// stream has been silent for long: clients that merely strip the text `data:` would print them.
//
// Carriage returns cannot travel: a parser takes each for the end of a line. They are removed, so CRLF arrives as the line feed
// it stands for; the server removes them from buffered answers and JSON events too, so that all forms of an answer are equal.

/** Text without carriage returns, the only characters that an event stream cannot carry. */
export const withoutCarriageReturns = (text: string): string => text.replaceAll('\r', '');

/** One complete event. `name` must be a single line; without it parsers call the event `message`. */
export function encodeSseEvent(value: string, name?: string): string {
  const nameLine = name === undefined ? '' : `event: ${name}\n`;
  const dataLines = withoutCarriageReturns(value)
    .split('\n')
    .map((line) => `data:${line.startsWith(' ') ? ' ' : ''}${line}\n`);
  return `${nameLine}${dataLines.join('')}\n`;
}

/**
 * A comment, which parsers skip. `text` must be a single line. The empty line behind it keeps it apart from the next event for
 * parsers that read blocks and look at their first line only.
 */
export const encodeSseComment = (text: string): string => `: ${text}\n\n`;
