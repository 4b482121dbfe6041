import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadConfig, userCacheFolder } from './load-config.js';

const folder = mkdtempSync(path.join(tmpdir(), 'takeoff-load-'));
afterAll(() => rmSync(folder, { recursive: true }));
const writePort = (name: string, port: number): string => {
  const file = path.join(folder, name);
  writeFileSync(file, `takeoff: { server_config: { port: ${port} } }`);
  return file;
};
const NO_FLAGS = new Map<string, string>();

describe('loadConfig', () => {
  it('finds the demo model from any working folder', () => {
    const { readers } = loadConfig({ flags: NO_FLAGS, environment: {} });
    expect(existsSync(path.join(readers[0]?.modelName ?? '', 'config.json'))).toBe(true);
  });

  it('makes a new reader id for each configuration that sets none', () => {
    const ids = [1, 2].map(() => loadConfig({ flags: NO_FLAGS, environment: {} }).readers[0]?.readerId);
    expect(new Set(ids).size).toBe(2);
  });

  it('reads the file of --config before that of TAKEOFF_CONFIG_FILE', () => {
    const environment = { TAKEOFF_CONFIG_FILE: writePort('variable.yaml', 1111) };
    expect(loadConfig({ flags: NO_FLAGS, environment }).server.port).toBe(1111);
    const configFile = writePort('flag.yaml', 2222);
    expect(loadConfig({ flags: NO_FLAGS, configFile, environment }).server.port).toBe(2222);
  });

  it('refuses a configuration file that was named and does not exist', () => {
    expect(() =>
      loadConfig({ flags: NO_FLAGS, configFile: path.join(folder, 'none.yaml'), environment: {} }),
    ).toThrow(/cannot be read/u);
  });
});

describe('userCacheFolder', () => {
  it('is XDG_CACHE_HOME when that is set', () => {
    expect(userCacheFolder({ XDG_CACHE_HOME: '/xdg' }, 'linux', '/home/u')).toBe('/xdg');
  });

  it('ignores a relative XDG_CACHE_HOME, as the XDG specification demands', () => {
    expect(userCacheFolder({ XDG_CACHE_HOME: 'xdg' }, 'linux', '/home/u')).toBe('/home/u/.cache');
  });

  it("is the platform's cache folder when XDG_CACHE_HOME is not set", () => {
    expect(userCacheFolder({}, 'darwin', '/Users/u')).toBe('/Users/u/Library/Caches');
    expect(userCacheFolder({ LOCALAPPDATA: 'C:\\Local' }, 'win32', 'C:\\u')).toBe('C:\\Local');
  });
});
