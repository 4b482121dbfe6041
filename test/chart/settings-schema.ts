// The settings of the server and of readers as the values of the chart have them: in camelCase, with the types of their own schemas.
import { z } from 'zod';
import type { NamedSetting } from '../../server/src/config/layers.js';
import { LOG_LEVELS, PYTHON_LOG_LEVELS } from '../../server/src/config/log-level.js';
import { READER_SETTINGS } from '../../server/src/config/reader-settings.js';
import { SERVER_SETTINGS } from '../../server/src/config/server-settings.js';
import { UNUSED_READER_KEYS, UNUSED_SERVER_KEYS } from '../../server/src/config/unused-keys.js';

/** Set by the chart itself: roles, Redis, addresses and folders of the container, and what belongs into a Secret. */
const OWN_SERVER_KEYS: ReadonlySet<string> = new Set([
  ...['host', 'headless', 'add_reader_id_suffix', 'repository_path', 'persist_readers', 'redis_url'],
  ...['redis_ca', 'redis_cert', 'redis_key', 'redis_host', 'redis_port', 'redis_max_memory'],
  ...['api_key', 'access_token', 'image'],
]);
/** The name of the application, and a Secret. */
const OWN_READER_KEYS: ReadonlySet<string> = new Set(['reader_id', 'access_token', 'redis_host']);

const camelCase = (key: string): string =>
  key.replaceAll(/_([a-z0-9])/gu, (_, letter: string) => letter.toUpperCase());

const TEXT = { type: 'string' };
const MEMORY = {
  anyOf: [
    { type: 'integer', minimum: 1 },
    { type: 'string', pattern: '^[0-9]+([.][0-9]+)? ?([KMGTkmgt]?[Ii]?[Bb])?$|^[0-9]{1,3}([.][0-9]+)?%$' },
  ],
};

const eachCase = (words: readonly string[]): string[] =>
  words.flatMap((word) => [...new Set([word, word.toUpperCase()])]);

/** Where the program takes more spellings than its schema says, because it reads them as text first. */
const SPELLINGS: ReadonlyMap<string, object> = new Map<string, object>([
  ['page_cache_size', MEMORY],
  ['image_cache_size', MEMORY],
  ['log_level', { enum: eachCase([...LOG_LEVELS, ...Object.keys(PYTHON_LOG_LEVELS)]) }],
  [
    'cuda_visible_devices',
    {
      anyOf: [
        { type: 'integer', minimum: 0 },
        { type: 'string', pattern: '^ *[0-9]+( *, *[0-9]+)* *$' },
      ],
    },
  ],
]);

/** Lists and mappings may be written as text, as everywhere else. */
function typeOf({ schema, facts }: NamedSetting): object {
  const spellings = SPELLINGS.get(facts.key);
  if (spellings !== undefined) return spellings;
  const type = z.toJSONSchema(schema, { target: 'draft-7', unrepresentable: 'any', io: 'input' });
  delete type.$schema;
  return type.type === 'array' || type.type === 'object' ? { anyOf: [type, TEXT] } : type;
}

function schemaOf(
  settings: readonly NamedSetting[],
  unused: ReadonlyMap<string, string>,
  own: ReadonlySet<string>,
): object {
  const used = settings.flatMap((setting) => {
    const keys = [setting.facts.key, ...(setting.facts.aliases ?? [])].filter((key) => !own.has(key));
    return keys.map((key) => [camelCase(key), typeOf(setting)] as const);
  });
  const accepted = [...unused.keys()]
    .filter((key) => !own.has(key))
    .map((key) => [camelCase(key), {}] as const);
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries([...used, ...accepted]),
  };
}

export const settingsSchemas = () => ({
  serverConfig: schemaOf(SERVER_SETTINGS, UNUSED_SERVER_KEYS, OWN_SERVER_KEYS),
  readerConfig: schemaOf(READER_SETTINGS, UNUSED_READER_KEYS, OWN_READER_KEYS),
});
