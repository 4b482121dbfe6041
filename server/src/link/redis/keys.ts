// The names of everything that Takeoff keeps in Redis. `tk:1:` is the namespace and its format: a change that an older process would
// misread raises the number, and both run side by side while machines are replaced. Braces keep what one script touches on one node
// of a cluster. Nothing that a client sends becomes part of a key: groups and readers are named by operators, hashes are our own.
import { randomBytes } from 'node:crypto';
import { ConfigError } from '../../errors.js';

const NAMESPACE = 'tk:1:';

/** The consumer group, in the sense of Redis, of all streams that readers take requests from. */
export const READERS_GROUP = 'readers';

/** Names of the consumer groups that readers serve. */
export const GROUPS_KEY = `${NAMESPACE}groups`;

/** Of consumer groups and reader ids. */
const NAME = /^[A-Za-z0-9._-]{1,128}$/u;

export const isKeyName = (name: string): boolean => NAME.test(name);

/** @throws ConfigError */
export function validateKeyName(setting: string, name: string): void {
  if (isKeyName(name)) return;
  throw new ConfigError(
    `${setting} is ${JSON.stringify(name.slice(0, 100))}; with redis_url, allowed are 1 to 128 letters, digits, dots, underscores and hyphens, because the name becomes part of keys.`,
  );
}

/** A process: whoever starts again is somebody else, and messages to the one before reach nobody. */
export const newProcessName = (name: string): string => `${name}@${randomBytes(8).toString('hex')}`;

export interface GroupKeys {
  /** Stream of requests that any reader may take. */
  readonly queue: string;
  /** Set of the names of readers. */
  readonly readers: string;
  /** Beginning of the names of all control streams, for the script that finds the reader itself. */
  readonly controlPrefix: string;
  /** Stream of requests for one reader, which has what they are about. */
  readonly placed: (reader: string) => string;
  /** Stream of cancellations and questions for one reader. */
  readonly control: (reader: string) => string;
  /** Lease of a reader, with what gateways know of it. */
  readonly reader: (reader: string) => string;
  /** Stream of what readers tell one gateway. */
  readonly events: (gateway: string) => string;
  /** Lease of a gateway. */
  readonly gateway: (gateway: string) => string;
  /** Tiles of an image, by their own hash. */
  readonly tiles: (gateway: string, sha256: string) => string;
  /** That a run has begun, for a reader whose first question about it got no answer. */
  readonly note: (run: string) => string;
}

export function keysOf(group: string): GroupKeys {
  const base = `${NAMESPACE}{${group}}:`;
  return {
    queue: `${base}queue`,
    readers: `${base}readers`,
    controlPrefix: `${base}ctl:`,
    placed: (reader) => `${base}at:${reader}`,
    control: (reader) => `${base}ctl:${reader}`,
    reader: (reader) => `${base}reader:${reader}`,
    events: (gateway) => `${base}ev:${gateway}`,
    gateway: (gateway) => `${base}gw:${gateway}`,
    tiles: (gateway, sha256) => `${base}tiles:${gateway}:${sha256}`,
    note: (run) => `${base}note:${run}`,
  };
}
