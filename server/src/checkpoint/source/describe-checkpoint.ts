// From a folder to a Checkpoint, ready to be converted; or the first reason why it cannot be served faithfully.
import { basename, join } from 'node:path';
import { Defect } from '../../errors.js';
import { STOP_AT_FIRST } from '../fault-policy.js';
import type { Checkpoint } from './checkpoint.js';
import { contextTokensOf } from './config-parts.js';
import { readCheckpoint, type CheckpointReading, type ReadOptions } from './read-checkpoint.js';

/**
 * Opens a checkpoint. The caller closes it.
 * @throws CheckpointError checkpoint.missing, checkpoint.unsupported, checkpoint.malformed, checkpoint.incomplete,
 * checkpoint.unreadable; HubError
 */
export async function describeCheckpoint(folder: string, options: ReadOptions = {}): Promise<Checkpoint> {
  const reading = await readCheckpoint(folder, options, STOP_AT_FIRST);
  const checkpoint = completeCheckpoint(reading);
  if (checkpoint !== undefined) return checkpoint;
  await reading.close();
  throw new Defect(`A part of ${folder} was not understood, and no fault says why.`);
}

/** The checkpoint of a reading in which everything was understood; it shares the reading's files. */
export function completeCheckpoint(reading: CheckpointReading): Checkpoint | undefined {
  const { folder, config, kind, weights, text, settings, tower, vision, tokenizer, template } = reading;
  const { textTensors, gridPinpoints, ownTemplate } = reading;
  if (
    config === undefined ||
    kind === undefined ||
    weights === undefined ||
    text === undefined ||
    settings === undefined ||
    textTensors === undefined ||
    tower === undefined ||
    vision === undefined ||
    gridPinpoints === undefined ||
    tokenizer === undefined ||
    ownTemplate === undefined ||
    template === undefined
  )
    return undefined;
  const { aspect, mergeType, keepsClassToken, wrapsImageInStartEnd } = settings;
  const { sidePx, patchPx, mean, std } = vision.tower;
  return {
    folder,
    name: basename(config._name_or_path ?? '') || `${kind.architecture} ${text.hiddenSize}`,
    description: {
      architecture: kind.architecture,
      contextTokens: contextTokensOf(config, kind, text.contextTokens),
      template: template.template,
      templateReason: template.reason,
      tokenizer: tokenizer.settings,
      vision: { sidePx, patchPx, aspect, gridPinpoints, mergeType, keepsClassToken, mean, std },
      wrapsImageInStartEnd,
    },
    text,
    textTensors,
    vision,
    tokenizer,
    ownTemplate: ownTemplate.template?.jinja ?? null,
    sourceFiles: [
      join(folder, 'config.json'),
      ...tokenizer.sourceFiles,
      ...ownTemplate.sourceFiles,
      ...tower.configPaths,
      ...weights.paths,
      ...(tower.files?.paths ?? []),
    ],
    warnings: reading.warnings,
    close: () => reading.close(),
  };
}
