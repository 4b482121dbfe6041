// How long each stage of an answer took: as the server measured it where it says so in `timings`, else as the page saw it. Pure.

export interface StageTime {
  readonly name: string;
  readonly ms: number;
}

/** What the page itself saw, in milliseconds of one clock. */
export interface Observed {
  readonly askedMs: number;
  readonly sentMs: number | null;
  readonly firstTokenMs: number | null;
  readonly endMs: number;
}

/** Stages in the order in which they happen, under the names that a server gives them, and as the page calls them. */
const SERVER_STAGES: readonly (readonly [key: RegExp, name: string])[] = [
  [/^receive/u, 'receiving'],
  [/^(?:decode_?image|image_?decode)/iu, 'decoding the image'],
  [/^(?:compile|constraint)/u, 'compiling the schema'],
  [/^(?:queue|wait)/u, 'waiting'],
  [/^(?:vision|encode)/u, 'reading the image'],
  [/^(?:prefill|prompt)/u, 'reading the prompt'],
  [/^(?:decode|generat|writ)/u, 'writing'],
];

/** `metadata` is that of an answer, of any version of the server. */
export function stageTimes(metadata: object | null, observed: Observed): readonly StageTime[] {
  const timings: unknown = metadata !== null && 'timings' in metadata ? metadata.timings : undefined;
  const told = typeof timings === 'object' && timings !== null ? serverStages(timings) : [];
  return told.length > 0 ? told : observedStages(observed);
}

function serverStages(timings: object): StageTime[] {
  const entries = Object.entries(timings).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && entry[1] > 0,
  );
  return SERVER_STAGES.flatMap(([key, name]) => {
    const entry = entries.find(([other]) => key.test(other));
    return entry === undefined ? [] : [{ name, ms: entry[1] }];
  });
}

function observedStages({ askedMs, sentMs, firstTokenMs, endMs }: Observed): StageTime[] {
  const sent = sentMs ?? endMs;
  const first = firstTokenMs ?? endMs;
  return [
    { name: 'sending', ms: sent - askedMs },
    { name: 'waiting and reading', ms: first - sent },
    { name: 'writing', ms: endMs - first },
  ].filter(({ ms }) => ms > 0);
}

/** Tokens a second after the first one; null where there are too few to tell. */
export function tokensPerSecond(
  generatedTokens: number,
  { firstTokenMs, totalMs }: { readonly firstTokenMs: number | null; readonly totalMs: number },
): number | null {
  if (firstTokenMs === null || generatedTokens < 2 || totalMs <= firstTokenMs) return null;
  return ((generatedTokens - 1) * 1000) / (totalMs - firstTokenMs);
}
