import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addSettingFlags, ALL_SETTINGS, typedFlags } from './setting-flags.js';

function typed(...words: string[]): Record<string, string> {
  const command = new Command('serve').option('--config <file>').exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  addSettingFlags(command, ALL_SETTINGS);
  command.parse(words, { from: 'user' });
  return Object.fromEntries(typedFlags(command, ALL_SETTINGS));
}

describe('the flags of settings', () => {
  it('are collected as they were typed, and nothing else is', () => {
    expect(typed('--port', '80', '--model', '/m', '--config', 'c', '--max-image-pixels=7')).toEqual({
      port: '80',
      model: '/m',
      'max-image-pixels': '7',
    });
    expect(typed()).toEqual({});
  });

  it('may stand alone when they are switches', () => {
    expect(typed('--allow-remote-images')).toEqual({ 'allow-remote-images': 'true' });
    expect(typed('--allow-remote-images', 'false')).toEqual({ 'allow-remote-images': 'false' });
  });

  it('need a value otherwise', () => {
    expect(() => typed('--port')).toThrow(/argument missing/u);
  });

  it('have names of their own', () => {
    const command = new Command();
    addSettingFlags(command, ALL_SETTINGS);
    expect(new Set(command.options.map(({ long }) => long)).size).toBe(ALL_SETTINGS.length);
  });
});
