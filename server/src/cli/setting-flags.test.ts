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

describe('setting flags', () => {
  it('are collected as text as they were typed, without other flags', () => {
    expect(typed('--port', '80', '--model', '/m', '--config', 'c', '--max-image-pixels=7')).toEqual({
      port: '80',
      model: '/m',
      'max-image-pixels': '7',
    });
    expect(typed()).toEqual({});
  });

  it('mean true without a value when the setting is a switch', () => {
    expect(typed('--allow-remote-images')).toEqual({ 'allow-remote-images': 'true' });
    expect(typed('--allow-remote-images', 'false')).toEqual({ 'allow-remote-images': 'false' });
  });

  it('need a value when the setting is no switch', () => {
    expect(() => typed('--port')).toThrow(/argument missing/u);
  });

  it('have different names', () => {
    const command = new Command();
    addSettingFlags(command, ALL_SETTINGS);
    expect(new Set(command.options.map(({ long }) => long)).size).toBe(ALL_SETTINGS.length);
  });
});
