import { CommanderError } from 'commander';
import { TakeoffApiError } from 'takeoff-client';
import { describe, expect, it } from 'vitest';
import { CheckpointError, CommandError, ConfigError, Defect } from '../errors.js';
import { failureOf } from './exit-code.js';

describe('failureOf', () => {
  it('ends with 2 for what flags, variables or the configuration must change, in one sentence', () => {
    expect(failureOf(new ConfigError('port is "x".'))).toEqual({ exitCode: 2, message: 'port is "x".' });
    expect(failureOf(new CommanderError(1, 'commander.unknownOption', '…'))).toEqual({
      exitCode: 2,
      message: '',
    });
  });

  it('ends with 0 after help', () => {
    expect(failureOf(new CommanderError(0, 'commander.helpDisplayed', '…')).exitCode).toBe(0);
  });

  it('ends with 1 and the code of the error for what an operator must mend elsewhere', () => {
    const error = new CheckpointError('checkpoint.missing', 'No config.json.');
    expect(failureOf(error)).toEqual({ exitCode: 1, message: 'No config.json. (checkpoint.missing)' });
  });

  it('ends with 130 when the person at the keyboard ended it', () => {
    const left = new CommandError('command.interrupted', 'Interrupted with 3 to go.');
    expect(failureOf(left)).toEqual({ exitCode: 130, message: 'Interrupted with 3 to go.' });
    const cancelled = new CheckpointError('checkpoint.cancelled', 'The work was called off.');
    expect(failureOf(cancelled)).toEqual({ exitCode: 130, message: 'The work was called off.' });
    expect(failureOf(new DOMException('x', 'AbortError'))).toEqual({ exitCode: 130, message: 'interrupted' });
  });

  it('ends with 1 when a command left something undone or the server refused', () => {
    const undone = new CommandError('command.incomplete', '5 images could not be described.');
    expect(failureOf(undone)).toEqual({ exitCode: 1, message: '5 images could not be described.' });
    const refused = new TakeoffApiError('auth.required', 'The API key is missing.', { status: 401 });
    expect(failureOf(refused)).toEqual({ exitCode: 1, message: 'The API key is missing. (auth.required)' });
  });

  it('shows where a defect happened', () => {
    for (const error of [new Defect('broken'), new TypeError('broken')]) {
      expect(failureOf(error).exitCode).toBe(1);
      expect(failureOf(error).message).toMatch(/please report it\.[\s\S]*broken[\s\S]*exit-code\.test/u);
    }
  });
});
