// An inspection for people: one line a part, a table of memory, then what is wrong.
import type { Inspection, MemoryNeed } from '../checkpoint/inspect/inspection.js';
import { bytesText } from '../model/memory-size.js';
import { alignedLines } from './terminal.js';

/** Names of added tokens that are shown; vocabularies for chat have hundreds. */
const SHOWN_TOKENS = 8;

export function describeInspection(inspection: Inspection): string {
  const { conclusions, warnings, problems, memory, contextTokens } = inspection;
  return [
    alignedLines(partLines(inspection)),
    memory.length === 0 || contextTokens === null ? '' : memoryTable(memory, contextTokens),
    listOf('concluded', conclusions),
    listOf('warnings', warnings),
    listOf(
      'problems',
      problems.map(({ code, message }) => `${message} (${code})`),
    ),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function partLines(inspection: Inspection): (readonly [string, string])[] {
  const { source, architecture, layout, contextTokens, template } = inspection;
  const known: (readonly [string, string | null])[] = [
    ['source', source],
    [
      'architecture',
      architecture === null ? null : `${architecture}${layout === null ? '' : `, ${layoutText(layout)}`}`,
    ],
    ['merged', loraLine(inspection)],
    ['language model', textLine(inspection)],
    ['context', contextTokens === null ? null : `${contextTokens} tokens`],
    ['tensors', tensorLine(inspection)],
    ['vision tower', towerLine(inspection)],
    ['images', imageLine(inspection)],
    ['tokenizer', tokenizerLine(inspection)],
    ['template', template === null ? null : `${template.name} (${template.reason})`],
  ];
  return known.flatMap(([label, value]) => (value === null ? [] : [[label, value] as const]));
}

const layoutText = (layout: NonNullable<Inspection['layout']>): string =>
  layout === 'gguf pair' ? 'GGUF pair' : `${layout} layout`;

function loraLine({ lora }: Inspection): string | null {
  if (lora === null) return null;
  const { base, trainedOn, rank, mergedCount, wholeCount } = lora;
  const name = trainedOn === null ? '' : ` (trained on ${trainedOn})`;
  return `LoRA of rank ${rank} into ${mergedCount} tensors of ${base}${name}, ${wholeCount} tensors replaced`;
}

function textLine({ text }: Inspection): string | null {
  if (text === null) return null;
  const { layers, hiddenSize, heads, kvHeads, vocabularyRows } = text;
  const rows = vocabularyRows === null ? '' : `, vocabulary of ${vocabularyRows}`;
  return `${layers} layers, ${hiddenSize} wide, ${heads} heads (${kvHeads} for keys and values)${rows}`;
}

function tensorLine({ tensors }: Inspection): string | null {
  if (tensors === null) return null;
  const types = Object.entries(tensors.types).map(([type, count]) => `${count} ${type}`);
  const files = tensors.files.length === 1 ? (tensors.files[0] ?? '') : `${tensors.files.length} files`;
  return `${tensors.count} in ${files}, ${bytesText(tensors.bytes)} (${types.join(', ')})`;
}

function towerLine({ tower }: Inspection): string | null {
  if (tower === null) return null;
  const from = tower.from === 'inside' ? 'inside the checkpoint' : `from ${tower.from}`;
  const name = tower.name === null ? '' : `${tower.name}, `;
  return `${name}${from}: CLIP, ${tower.sidePx} px, patches of ${tower.patchPx} px, ${tower.layersUsed} of ${tower.layers} layers, ${tower.activation}`;
}

function imageLine({ images }: Inspection): string | null {
  if (images === null) return null;
  const { aspect, mergeType, keepsClassToken, projector, gridPinpoints } = images;
  const grids = gridPinpoints.map(([widthPx, heightPx]) => `${widthPx}×${heightPx}`).join(' ');
  return [
    `projector ${projector}`,
    `aspect ${aspect}${grids === '' ? '' : ` (${grids})`}`,
    `merge ${mergeType}`,
    ...(keepsClassToken ? ['with the class token'] : []),
  ].join(', ');
}

function tokenizerLine({ tokenizer }: Inspection): string | null {
  if (tokenizer === null) return null;
  const { kind, legacy, tokens, addedTokens, endIds } = tokenizer;
  const shown = addedTokens.slice(0, SHOWN_TOKENS).join(' ');
  const rest = addedTokens.length > SHOWN_TOKENS ? ` and ${addedTokens.length - SHOWN_TOKENS} more` : '';
  const name = kind === 'bpe' ? 'byte-level BPE' : `SentencePiece, ${legacy ? 'legacy' : 'not legacy'}`;
  return `${name}, ${tokens} tokens, ${addedTokens.length} added${shown === '' ? '' : `: ${shown}${rest}`}, ends with ${endIds.join(', ') || 'none'}`;
}

function memoryTable(memory: readonly MemoryNeed[], contextTokens: number): string {
  const head = ['memory', 'weights', 'tower', `cache of ${contextTokens} tokens`, 'together'];
  const rows = memory.map(({ type, isAuto, ...bytes }) => [
    `  ${type}${isAuto && memory.length > 1 ? ' (auto)' : ''}`,
    bytesText(bytes.weightBytes),
    bytesText(bytes.towerBytes),
    bytesText(bytes.kvCacheBytes),
    bytesText(bytes.totalBytes),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return `${[head, ...rows].map(line).join('\n')}\n`;
}

function listOf(title: string, entries: readonly string[]): string {
  return entries.length === 0 ? '' : `${title}\n${entries.map((entry) => `  - ${entry}\n`).join('')}`;
}
