// One configuration key: its value's schema, how text becomes that value, its default and the words for people. Everything
// else about keys (flags, variables, messages, docs/config.md) is derived from these facts.
import { z } from 'zod';
import { memorySizeSchema, parseMemorySize } from '../model/memory-size.js';

/** What defaults may depend on: the machine and the user, read once by load-config.ts. */
export interface Surroundings {
  /** Folder where this user's programs keep caches. */
  readonly cacheFolder: string;
  /** Checkpoint folder of the demo model that comes with the program. */
  readonly demoModelFolder: string;
  /** A name that no other reader has. */
  readonly newReaderId: () => string;
}

type PlainValue = string | number | boolean | null | readonly string[] | readonly number[];
export type SettingValue = PlainValue | Readonly<Record<string, string>>;

export interface SettingFacts {
  /** Name in config.yaml; the environment variable is TAKEOFF_ and the same in capitals. */
  readonly key: string;
  /** Older names, accepted everywhere the key is. */
  readonly aliases?: readonly string[];
  /** Flag without the dashes; the key with dashes unless given. */
  readonly flag?: string;
  readonly meaning: string;
  readonly defaultValue: (surroundings: Surroundings) => SettingValue;
  /** The default in words where it depends on the surroundings. */
  readonly defaultText: string;
  /** A variable of other programs with the same meaning. It counts only where flag, variable and file leave the key unset. */
  readonly sharedVariable?: SharedVariable;
  /** Only the entries of readers_config in the file have it: the server has a setting of this key for everything else. */
  readonly isForFileEntries: boolean;
  /** Never printed. */
  readonly isSecret: boolean;
  /** Whether the flag alone means true. */
  readonly isSwitch: boolean;
  /** What is allowed, to be read after "allowed:". */
  readonly allowed: string;
  /** Text of a flag, a variable or a quoted YAML value to a value; returns what the schema will refuse if it cannot. */
  readonly fromText: (text: string) => unknown;
  /** What to do instead, for refused values that people are known to bring, by the value in lower case. */
  readonly advice: Readonly<Record<string, string>>;
}

export interface SharedVariable {
  readonly name: string;
  /** Its value in the words of the key. */
  readonly toText: (value: string) => string;
}

/** Facts of every schema that is a setting. */
export const settingFacts = z.registry<SettingFacts>();

/** A type of value, shared by several settings. */
interface Kind<S extends z.ZodType> {
  readonly schema: S;
  readonly allowed: string;
  readonly fromText: (text: string) => unknown;
  readonly isSwitch?: boolean;
  readonly advice?: Readonly<Record<string, string>>;
}

interface Described {
  readonly key: string;
  readonly meaning: string;
  readonly aliases?: readonly string[];
  readonly flag?: string;
  readonly isForFileEntries?: boolean;
  readonly isSecret?: boolean;
  readonly sharedVariable?: SharedVariable;
}

/** A setting with the same default everywhere. */
export function setting<S extends z.ZodType>(
  kind: Kind<S>,
  defaultValue: PlainValue,
  described: Described,
): S {
  const defaultText = Array.isArray(defaultValue) ? defaultValue.join(',') : String(defaultValue ?? '');
  return computedSetting(kind, { text: defaultText, value: () => defaultValue }, described);
}

/** A setting whose default depends on the machine or the user. */
export function computedSetting<S extends z.ZodType>(
  kind: Kind<S>,
  byDefault: { readonly text: string; readonly value: (surroundings: Surroundings) => SettingValue },
  described: Described,
): S {
  const facts: SettingFacts = {
    isForFileEntries: false,
    isSecret: false,
    isSwitch: kind.isSwitch ?? false,
    advice: kind.advice ?? {},
    ...described,
    allowed: kind.allowed,
    fromText: kind.fromText,
    defaultValue: byDefault.value,
    defaultText: byDefault.text,
  };
  const known: z.core.$ZodType = kind.schema;
  settingFacts.add(known, facts);
  return kind.schema;
}

export const integer = (min: number, max: number, unit = '') => ({
  schema: z.int().min(min).max(max),
  allowed: `a whole number from ${min} to ${max}${unit === '' ? '' : ` (${unit})`}`,
  fromText: (text: string) => (/^[+-]?\d+$/u.test(text) ? Number(text) : text),
});

/** The same, or nothing. */
export const optionalInteger = (min: number, max: number, unit = '') => ({
  ...integer(min, max, unit),
  schema: z.int().min(min).max(max).nullable(),
});

/** A whole number, or a word that stands for one. */
export const integerOr = <const Word extends string>(word: Word, min: number, max: number, unit: string) => ({
  schema: z.union([z.int().min(min).max(max), z.literal(word)]),
  allowed: `${word} or ${integer(min, max, unit).allowed}`,
  fromText: (given: string) => (given.toLowerCase() === word ? word : integer(min, max).fromText(given)),
});

/** One of a few whole numbers. */
export const optionalNumberOf = <const N extends readonly [number, ...number[]]>(numbers: N) => ({
  schema: z.literal(numbers).nullable(),
  allowed: numbers.join(', '),
  fromText: integer(0, Infinity).fromText,
});

const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, false: false, 1: true, 0: false };

export const boolean = () => ({
  schema: z.boolean(),
  allowed: 'true or false',
  isSwitch: true,
  fromText: (text: string) => BOOLEANS[text.toLowerCase()] ?? text,
});

/** True, false, or not decided. */
export const optionalBoolean = () => ({ ...boolean(), schema: z.boolean().nullable() });

/** Bytes, with or without a unit, or a share of the free memory. */
export const memorySize = () => ({
  schema: memorySizeSchema,
  allowed: 'bytes such as 5GB, 512MB (of 1024 KB) or 4096, or a share of the free memory such as 40%',
  fromText: (text: string) => parseMemorySize(text) ?? text,
});

export const optionalMemorySize = () => ({ ...memorySize(), schema: memorySizeSchema.nullable() });

export const text = (allowed: string) => ({
  schema: z.string().min(1),
  allowed,
  fromText: (given: string) => given,
});

export const optionalText = (allowed: string) => ({
  schema: z.string().min(1).nullable(),
  allowed,
  fromText: (given: string) => given,
});

/** Kept as text, in whatever form YAML and JSON have it: `0`, `[0, 1]` or `"0,1"`. */
export const optionalNumberList = (allowed: string) => ({
  schema: z.coerce
    .string()
    .regex(/^\s*\d+(?:\s*,\s*\d+)*\s*$/u)
    .nullable(),
  allowed,
  fromText: (given: string) => given,
});

/** A secret that travels in a header. */
export const secretText = (minCharacters: number) => ({
  schema: z
    .string()
    .min(minCharacters)
    .regex(/^[\x21-\x7e]*$/u)
    .nullable(),
  allowed: `${minCharacters} or more ASCII characters without white space`,
  fromText: (given: string) => given,
});

/** An http or https address of a server, without a name, a password, a query or a fragment in it. */
export const webAddress = () => ({
  schema: z.string().refine(isPlainWebAddress),
  allowed: 'an http or https address',
  fromText: (given: string) => given,
});

/** The same, or nothing. */
export const optionalWebAddress = () => {
  const { schema, ...facts } = webAddress();
  return { ...facts, schema: schema.nullable() };
};

/** The address of a Redis server, with or without a name and a password. */
export const redisAddress = () => ({
  schema: z.string().refine(isRedisAddress).nullable(),
  allowed: 'redis:// or rediss://, as in redis://name:password@host:6379/0',
  fromText: (given: string) => given,
});

function isRedisAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash } = new URL(text);
  return (
    (protocol === 'redis:' || protocol === 'rediss:') &&
    hostname !== '' &&
    /^(?:\/\d{0,4})?$/u.test(pathname) &&
    search + hash === ''
  );
}

function isPlainWebAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return (
    (protocol === 'https:' || protocol === 'http:') &&
    username + password === '' &&
    search + hash === '' &&
    !/[?#\s]/u.test(text)
  );
}

/** One of several words, in any letter case; `synonyms` are other spellings, in lower case. */
export const choice = <const W extends readonly [string, ...string[]]>(
  words: W,
  synonyms: Readonly<Record<string, W[number]>> = {},
) => ({
  schema: z.enum(words),
  allowed: words.join(', '),
  fromText: (given: string) =>
    synonyms[given.toLowerCase()] ??
    words.find((word) => word.toLowerCase() === given.toLowerCase()) ??
    given,
});

export const optionalChoice = <const W extends readonly [string, ...string[]]>(
  words: W,
  synonyms: Readonly<Record<string, W[number]>> = {},
) => ({
  ...choice(words, synonyms),
  schema: z.enum(words).nullable(),
});

/** A separator of folders, or the ending of a file that may hold what is asked for. */
const LOOKS_LIKE_A_PATH = /[/\\]|\.(?:jinja2?|j2|json)$/iu;

/** One of several words, in any letter case, or the path of a file: a misspelt word is none. */
export const optionalChoiceOrPath = <const W extends readonly [string, ...string[]]>(
  words: W,
  file: string,
) => ({
  ...choice(words),
  schema: z.union([z.enum(words), z.string().regex(LOOKS_LIKE_A_PATH)]).nullable(),
  allowed: `${words.join(', ')}, or the path of ${file}`,
});

/** Names separated by commas; empty text is the empty list. */
export const names = (allowed: string) => ({
  schema: z.array(z.string().min(1)),
  allowed,
  fromText: splitAtCommas,
});

/** Texts by name: a mapping in config.yaml, `name=text,name=text` elsewhere. */
export const namedTexts = (allowed: string) => ({
  schema: z.record(z.string().regex(/^[^=,\s]{1,256}$/u), z.string().min(1)),
  allowed,
  fromText: (given: string) =>
    Object.fromEntries(
      splitAtCommas(given).map((entry) => {
        const end = entry.indexOf('=');
        return end < 0 ? [entry, ''] : [entry.slice(0, end).trim(), entry.slice(end + 1).trim()];
      }),
    ),
});

/** At least one name. */
export const someNames = (allowed: string) => ({
  ...names(allowed),
  schema: z.array(z.string().min(1)).min(1),
});

/** Origins of web pages as browsers name them, separated by commas, or `*` alone for all of them. */
export const webOrigins = () => ({
  schema: z
    .array(z.string())
    .refine((list) => list.every(isOrigin) || (list.length === 1 && list[0] === '*')),
  allowed: 'origins such as https://app.example or http://localhost:5173, separated by commas, or * alone',
  fromText: splitAtCommas,
});

/** The URL parser knows no origins of application schemes (`tauri://localhost`), so those are accepted by their form alone. */
function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/?#@,*\s]+$/u.test(text)) return false;
  return !/^https?:/u.test(text) || (URL.canParse(text) && new URL(text).origin === text);
}

function splitAtCommas(given: string): string[] {
  return given
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

const HOST_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/u;
const HOST_PATTERN = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/u;

/** Host names as a URL parser writes them: lower case, no final dot, no port. */
export const hostNames = (allowed: string, form: 'exact' | 'pattern') => ({
  ...names(allowed),
  schema: z.array(z.string().regex(form === 'exact' ? HOST_NAME : HOST_PATTERN)),
  fromText: (given: string) => names(allowed).fromText(given.toLowerCase()),
});

/** Port numbers separated by commas. */
export const ports = () => ({
  schema: z.array(z.int().min(1).max(65_535)).min(1),
  allowed: 'port numbers from 1 to 65535, separated by commas',
  fromText: (given: string) =>
    names('')
      .fromText(given)
      .map((port) => (/^\d+$/u.test(port) ? Number(port) : port)),
});
