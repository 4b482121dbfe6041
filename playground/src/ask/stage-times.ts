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

/** From the first token to the end. */
const WRITING = 'writing';

/** The stages that servers tell, in the order in which they happen, and how the page calls them. */
const SERVER_STAGES: readonly (readonly [field: string, name: string])[] = [
  ['receiveMs', 'receiving'],
  ['decodeImageMs', 'decoding the image'],
  ['queueMs', 'waiting'],
  ['visionMs', 'reading the image'],
  ['prefillMs', 'reading the prompt'],
  ['decodeMs', WRITING],
];

/** `metadata` is that of an answer, of a server that tells `timings` or of one that does not. */
export function stageTimes(metadata: object | null, observed: Observed): readonly StageTime[] {
  const timings: unknown = metadata !== null && 'timings' in metadata ? metadata.timings : undefined;
  const told = typeof timings === 'object' && timings !== null ? serverStages(timings) : [];
  return told.length > 0 ? told : observedStages(observed);
}

function serverStages(timings: object): StageTime[] {
  const times: ReadonlyMap<string, unknown> = new Map(Object.entries(timings));
  return SERVER_STAGES.flatMap(([field, name]) => {
    const ms = times.get(field);
    return typeof ms === 'number' && ms > 0 ? [{ name, ms }] : [];
  });
}

function observedStages({ askedMs, sentMs, firstTokenMs, endMs }: Observed): StageTime[] {
  const sent = sentMs ?? endMs;
  const first = firstTokenMs ?? endMs;
  return [
    { name: 'sending', ms: sent - askedMs },
    { name: 'waiting and reading', ms: first - sent },
    { name: WRITING, ms: endMs - first },
  ].filter(({ ms }) => ms > 0);
}

/** Tokens a second after the first one; null where there are too few to tell. */
export function tokensPerSecond(generatedTokens: number, stages: readonly StageTime[]): number | null {
  const writing = stages.find(({ name }) => name === WRITING);
  if (writing === undefined || generatedTokens < 2) return null;
  return ((generatedTokens - 1) * 1000) / writing.ms;
}
