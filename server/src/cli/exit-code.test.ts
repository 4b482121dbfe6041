import { CommanderError } from 'commander';
import { TakeoffApiError } from 'takeoff-client';
import { describe, expect, it } from 'vitest';
import { CheckpointError, CommandError, ConfigError, Defect } from '../errors.js';
import { failureOf } from './exit-code.js';

describe('failureOf', () => {
  it('gives exit code 2 and one sentence for errors in flags, variables or the configuration', () => {
    expect(failureOf(new ConfigError('port is "x".'))).toEqual({ exitCode: 2, message: 'port is "x".' });
    expect(failureOf(new CommanderError(1, 'commander.unknownOption', '…'))).toEqual({
      exitCode: 2,
      message: '',
    });
  });

  it('gives exit code 0 after --help', () => {
    expect(failureOf(new CommanderError(0, 'commander.helpDisplayed', '…')).exitCode).toBe(0);
  });

  it('gives exit code 1 and the error code for failures outside the configuration', () => {
    const error = new CheckpointError('checkpoint.missing', 'No config.json.');
    expect(failureOf(error)).toEqual({ exitCode: 1, message: 'No config.json. (checkpoint.missing)' });
  });

  it('gives exit code 130 after an interruption', () => {
    const left = new CommandError('command.interrupted', 'Interrupted with 3 to go.');
    expect(failureOf(left)).toEqual({ exitCode: 130, message: 'Interrupted with 3 to go.' });
    const cancelled = new CheckpointError('checkpoint.cancelled', 'The work was called off.');
    expect(failureOf(cancelled)).toEqual({ exitCode: 130, message: 'The work was called off.' });
    expect(failureOf(new DOMException('x', 'AbortError'))).toEqual({ exitCode: 130, message: 'interrupted' });
  });

  it('gives exit code 1 when a command is incomplete or the server refuses', () => {
    const undone = new CommandError('command.incomplete', '5 images could not be described.');
    expect(failureOf(undone)).toEqual({ exitCode: 1, message: '5 images could not be described.' });
    const refused = new TakeoffApiError('auth.required', 'The API key is missing.', { status: 401 });
    expect(failureOf(refused)).toEqual({ exitCode: 1, message: 'The API key is missing. (auth.required)' });
  });

  it('prints the stack trace of a defect', () => {
    for (const error of [new Defect('broken'), new TypeError('broken')]) {
      expect(failureOf(error).exitCode).toBe(1);
      expect(failureOf(error).message).toMatch(/please report it\.[\s\S]*broken[\s\S]*exit-code\.test/u);
    }
  });
});
