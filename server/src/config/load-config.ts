// The only place that looks at the environment: reads variables, home folder and configuration file, and resolves them.
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfigFile, type ConfigFile } from './config-file.js';
import { CONFIG_FILE_VARIABLE, type Environment } from './environment.js';
import { resolveConfig, type TakeoffConfig } from './resolve-config.js';
import type { Surroundings } from './setting.js';

/** Where Takeoff's container images expect the file to be mounted; read if it is there. */
const CONTAINER_CONFIG_FILE = '/code/config.yaml';
/** This relative path is right from src/ and from dist/. */
const DEMO_MODEL = new URL('../../../models/demo/checkpoint', import.meta.url);

export interface LoadOptions {
  /** Text by flag name, without dashes. */
  readonly flags: ReadonlyMap<string, string>;
  /** From --config; must exist. */
  readonly configFile?: string | undefined;
  readonly environment?: Environment;
}

/** @throws ConfigError config.invalid */
export function loadConfig({ flags, configFile, environment = process.env }: LoadOptions): TakeoffConfig {
  return resolveConfig({
    flags,
    environment,
    file: findConfigFile(configFile, environment),
    surroundings: surroundingsOf(environment),
  });
}

function findConfigFile(configFile: string | undefined, environment: Environment): ConfigFile | undefined {
  const named = configFile ?? environment[CONFIG_FILE_VARIABLE];
  if (named !== undefined && named !== '') return readConfigFile(named);
  return existsSync(CONTAINER_CONFIG_FILE) ? readConfigFile(CONTAINER_CONFIG_FILE) : undefined;
}

export function surroundingsOf(environment: Environment = process.env): Surroundings {
  return {
    cacheFolder: path.join(userCacheFolder(environment, process.platform, homedir()), 'takeoff'),
    demoModelFolder: fileURLToPath(DEMO_MODEL),
    newReaderId: randomUUID,
  };
}

/** XDG_CACHE_HOME if it is set and absolute, as the XDG specification demands; otherwise the platform's cache folder. */
export function userCacheFolder(environment: Environment, platform: NodeJS.Platform, home: string): string {
  const xdg = environment['XDG_CACHE_HOME'];
  if (xdg !== undefined && path.isAbsolute(xdg)) return xdg;
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches');
  if (platform === 'win32') return environment['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local');
  return path.join(home, '.cache');
}
