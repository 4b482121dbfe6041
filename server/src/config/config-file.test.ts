import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../errors.js';
import { parseConfigFile, readConfigFile } from './config-file.js';

const folder = mkdtempSync(path.join(tmpdir(), 'takeoff-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('parseConfigFile', () => {
  it('returns the keys of server_config and of each entry of readers_config', () => {
    const file = parseConfigFile(
      'takeoff:\n  server_config:\n    port: 4000\n  readers_config:\n    r1:\n      model_name: /m\n    r2:\n',
      'c.yaml',
    );
    expect(file).toEqual({
      path: 'c.yaml',
      server: { port: 4000 },
      readers: { r1: { model_name: '/m' }, r2: {} },
    });
  });

  it('accepts empty sections and an empty takeoff key', () => {
    const empty = { path: 'c.yaml', server: {}, readers: {} };
    expect(parseConfigFile('takeoff:\n', 'c.yaml')).toEqual(empty);
    expect(parseConfigFile('takeoff:\n  server_config:\n  readers_config:\n', 'c.yaml')).toEqual(empty);
  });

  it.each([
    ['', 'no top-level key "takeoff"'],
    ['server_config: {}', 'no top-level key "takeoff"'],
    ['- takeoff', 'no top-level key "takeoff"'],
    ['takeoff:\n  servers: {}', 'has "servers" below takeoff; allowed: server_config, readers_config'],
    ['takeoff:\n  server_config: 3', 'takeoff.server_config in c.yaml must be a list of "key: value" lines'],
    ['takeoff:\n  readers_config:\n    r1: llava', 'takeoff.readers_config.r1 in c.yaml must be'],
    ['takeoff: 3', 'takeoff in c.yaml must be'],
    ['takeoff: {', 'c.yaml is not YAML'],
    ['takeoff:\n  readers_config:\n    r: {}\n    r: {}', 'Map keys must be unique'],
  ])('refuses %j and says why', (text, reason) => {
    expect(() => parseConfigFile(text, 'c.yaml')).toThrow(ConfigError);
    expect(() => parseConfigFile(text, 'c.yaml')).toThrow(reason);
  });

  it('refuses a file whose YAML aliases unfold to billions of nodes', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level},`.repeat(9)}]`,
    );
    expect(() => parseConfigFile(['a0: &a0 [x]', ...levels, 'takeoff:'].join('\n'), 'c.yaml')).toThrow(
      ConfigError,
    );
  });
});

describe('readConfigFile', () => {
  it('names the file that does not exist', () => {
    expect(() => readConfigFile(path.join(folder, 'missing.yaml'))).toThrow(
      /cannot be read: .*missing\.yaml/u,
    );
  });

  it('refuses a file over the size limit before reading it', () => {
    const large = path.join(folder, 'large.yaml');
    writeFileSync(large, ' '.repeat(1024 * 1024 + 1));
    expect(() => readConfigFile(large)).toThrow(/larger than 1048576 bytes/u);
  });

  it('parses the file at a path', () => {
    const good = path.join(folder, 'good.yaml');
    writeFileSync(good, 'takeoff: { server_config: { port: 1 } }');
    expect(readConfigFile(good).server).toEqual({ port: 1 });
  });
});
