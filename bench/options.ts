// Numbers and names that the options of a benchmark give.

/** What somebody typed and cannot mean. */
export class OptionError extends Error {}

/** @throws OptionError for what is no number, or less than the least that is allowed */
export function parseNumber(option: string, text: string, least = 0): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (Number.isFinite(value) && value >= least) return value;
  throw new OptionError(`${option} is ${JSON.stringify(text)}; allowed is a number from ${least} on.`);
}

/** @throws OptionError for what is no whole number, or less than the least that is allowed */
export function parseCount(option: string, text: string, least = 1): number {
  const value = parseNumber(option, text, least);
  if (Number.isSafeInteger(value)) return value;
  throw new OptionError(`${option} is ${JSON.stringify(text)}; allowed is a whole number from ${least} on.`);
}

/** @throws OptionError for a name that is none of the known */
export function parseName<Name extends string>(option: string, given: string, known: readonly Name[]): Name {
  const name = known.find((one) => one === given);
  if (name === undefined) throw new OptionError(`${option} has ${given}; allowed are ${known.join(', ')}.`);
  return name;
}

/** @throws OptionError for a name in the list that is none of the known */
export function parseNames<Name extends string>(
  option: string,
  list: string,
  known: readonly Name[],
): readonly Name[] {
  return list.split(',').map((given) => parseName(option, given, known));
}
