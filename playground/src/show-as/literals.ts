// Text and data as literals of three languages. A file's name and a question can hold anything, so everything that is printed
// into a program goes through here. Pure.

/** One word of a POSIX shell. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/u.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** A file's name behind `@` in curl's -F, which reads commas and semicolons in it unless it is quoted. */
export const curlFile = (name: string): string =>
  /[",;\\]/u.test(name) ? `@"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : `@${name}`;

/** A string of JavaScript. */
export const scriptText = (text: string): string =>
  /['\\\n\r\u2028\u2029]/u.test(text) ? JSON.stringify(text) : `'${text}'`;

/** JSON is Python but for three words. */
export function pythonValue(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(pythonValue).join(', ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).map(([key, one]) => `${pythonText(key)}: ${pythonValue(one)}`);
    return `{${entries.join(', ')}}`;
  }
  return typeof value === 'string' ? pythonText(value) : JSON.stringify(value);
}

/** Python reads the escapes of JSON; a pair of surrogates is its own character there, so those stay as they are. */
export const pythonText = (text: string): string => JSON.stringify(text);
