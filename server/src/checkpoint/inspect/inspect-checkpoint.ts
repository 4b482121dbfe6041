// Looks at a checkpoint's folder, goes on after what is wrong, and reports everything at once. The reading is the one that serving
// does, so the two cannot disagree.
import { contextTokensOf } from '../source/config-parts.js';
import { completeCheckpoint } from '../source/describe-checkpoint.js';
import { readCheckpoint, type CheckpointReading } from '../source/read-checkpoint.js';
import { imageFacts, textFacts, tensorFacts, tokenizerFacts, towerFacts } from './checkpoint-facts.js';
import { Findings } from './findings.js';
import type { InspectOptions } from './inspect-options.js';
import { NOTHING_KNOWN, templateFacts, type Inspection } from './inspection.js';
import { memoryNeeds } from './memory-need.js';

export async function inspectCheckpoint(folder: string, options: InspectOptions): Promise<Inspection> {
  const findings = new Findings();
  const reading = await readCheckpoint(folder, options, findings);
  try {
    const checkpoint = findings.problems.length > 0 ? undefined : completeCheckpoint(reading);
    return {
      source: folder,
      ...NOTHING_KNOWN,
      ...factsOf(reading),
      memory: checkpoint === undefined ? [] : memoryNeeds(checkpoint),
      warnings: [
        ...reading.warnings,
        ...(checkpoint && options.warnOf ? options.warnOf(checkpoint.description) : []),
      ],
      problems: findings.problems,
    };
  } finally {
    await reading.close();
  }
}

function factsOf(reading: CheckpointReading): Partial<Inspection> {
  const { config, kind, weights, text, settings, rows, tower, tokenizer, template } = reading;
  return {
    architecture: kind?.architecture ?? config?.architectures?.[0] ?? null,
    layout: kind === undefined ? null : kind.layout === 'hub' ? 'transformers' : 'original',
    lora: reading.lora ?? null,
    tensors: weights === undefined ? null : tensorFacts(weights),
    text: text === undefined ? null : textFacts(text, rows ?? null),
    contextTokens: config && kind && text ? contextTokensOf(config, kind, text.contextTokens) : null,
    tower: tower === undefined ? null : towerFacts(settings, tower, reading.vision?.layersToRun),
    images:
      settings === undefined
        ? null
        : imageFacts(settings, settings.projectorLayers, reading.gridPinpoints ?? []),
    tokenizer: tokenizer === undefined ? null : tokenizerFacts(tokenizer.settings),
    template: template === undefined ? null : templateFacts(template.template, template.reason),
  };
}
