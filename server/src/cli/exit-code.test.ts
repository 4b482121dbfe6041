import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { CheckpointError, ConfigError, Defect } from '../errors.js';
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

  it('shows where a defect happened', () => {
    for (const error of [new Defect('broken'), new TypeError('broken')]) {
      expect(failureOf(error).exitCode).toBe(1);
      expect(failureOf(error).message).toMatch(/please report it\.[\s\S]*broken[\s\S]*exit-code\.test/u);
    }
  });
});
