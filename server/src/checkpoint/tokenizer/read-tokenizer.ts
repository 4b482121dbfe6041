// Reads whatever tokenizer a checkpoint's folder has and brings it to one form: settings for prompt assembly, and the
// vocabulary as GGUF stores it.
import { join } from 'node:path';
import type { AddedToken, TokenizerSettings } from '../../model/description.js';
import { incomplete } from '../failures.js';
import { containedPath } from '../files/contained-path.js';
import { MAX_TOKENIZER_JSON_BYTES, readWholeFile } from '../files/json-file.js';
import { readSmallFiles, SMALL_FILES } from './small-files.js';
import { addLlavaTokens, mergeAddedTokens } from './added-tokens.js';
import { fromSentencePiece, type BaseVocabulary } from './base-vocabulary.js';
import { parseSentencePiece } from './sentencepiece.js';
import { spellingsOf } from './tokenizer-config.js';
import { parseTokenizerJson } from './tokenizer-json.js';
import { isPhi3, LLAMA_3_TURN_END, PHI_3_TURN_END } from './turn-ends.js';
import { buildVocabulary, type Vocabulary } from './vocabulary.js';

export interface TokenizerData {
  readonly settings: TokenizerSettings;
  readonly vocabulary: Vocabulary;
  /** The one end token that GGUF names; settings.eosIds has all. */
  readonly primaryEosId: number | null;
  readonly unknownId: number | null;
  readonly padId: number | null;
  readonly addEos: boolean;
  /** Spelling of the end token, which tells conversation templates apart. */
  readonly eosContent: string | null;
  /** Files that were read. */
  readonly sourceFiles: readonly string[];
  readonly warnings: readonly string[];
}

export interface TokenizerRequest {
  readonly folder: string;
  readonly fileNames: readonly string[];
  /** Rows of the embedding. */
  readonly rows: number;
  /** From config.json. */
  readonly bosId: number | null;
  readonly eosIds: readonly number[];
  readonly reservesPatchToken: boolean;
  readonly wrapsImageInStartEnd: boolean;
}

/** Llama's file has 500 KB, Gemma's 4 MB. */
const MAX_MODEL_BYTES = 64 * 2 ** 20;
const MODEL_FILE = 'tokenizer.model';
const JSON_FILE = 'tokenizer.json';
/** What transformers' LlamaTokenizer takes where no file names its special tokens. */
const LLAMA_TOKENS = { bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>' } as const;

/** @throws CheckpointError of any code */
export async function readTokenizer(request: TokenizerRequest): Promise<TokenizerData> {
  const { folder, fileNames, rows } = request;
  const files = await readSmallFiles(request);
  const { config, specialTokens, addedTokens, generation } = files;
  const { base, file } = await readBase(request);

  const idOf = pieceIds(base);
  const merged = mergeAddedTokens({ config, specialTokens, addedTokens, own: base.own, idOf });
  // Ids beyond the embedding can never be computed; vocabularies that were cut down leave such entries behind.
  const inRows = merged.filter((token) => token.id < rows);
  const added = addLlavaTokens(
    inRows,
    tokenCountOf(base.pieces.length, inRows),
    rows,
    { patch: request.reservesPatchToken, startEnd: request.wrapsImageInStartEnd },
    join(folder, 'config.json'),
  );
  const idOfToken = (content: string | undefined) =>
    content === undefined
      ? undefined
      : (added.find((token) => token.content === content)?.id ?? idOf(content));
  const named = (key: keyof typeof LLAMA_TOKENS): string[] => {
    const stated = [config[key], specialTokens[key]].map(spellingsOf).find((names) => names.length > 0);
    return stated ?? (base.kind === 'sentencepiece' ? [LLAMA_TOKENS[key]] : []);
  };
  const eosContents = named('eos_token');
  const padContent = [config.pad_token, specialTokens.pad_token].flatMap(spellingsOf)[0];
  const turnEnd =
    base.kind === 'bpe' ? idOfToken(LLAMA_3_TURN_END) : isPhi3(added) ? idOfToken(PHI_3_TURN_END) : undefined;
  const ends = [generation?.eos_token_id, request.eosIds, ...eosContents.map(idOfToken), turnEnd]
    .flatMap(asList)
    .filter((id) => id >= 0 && id < rows);
  return {
    settings: {
      kind: base.kind,
      legacy: config.legacy ?? true,
      addBos: config.add_bos_token ?? base.addsBosByDefault,
      addSpacePrefix: config.add_prefix_space ?? base.addsDummyPrefix,
      removesExtraWhitespace: base.removesExtraWhitespace,
      bosId: idOfToken(named('bos_token')[0]) ?? request.bosId,
      eosIds: [...new Set(ends)].sort((a, b) => a - b),
      tokenCount: tokenCountOf(base.pieces.length, added),
      addedTokens: added,
      spellings: {
        bos: named('bos_token')[0] ?? null,
        eos: eosContents[0] ?? null,
        unknown: named('unk_token')[0] ?? null,
        pad: padContent ?? null,
      },
    },
    vocabulary: buildVocabulary(base, added, rows, file),
    primaryEosId: ends[0] ?? null,
    unknownId: idOfToken(named('unk_token')[0]) ?? null,
    padId: idOfToken(padContent) ?? null,
    addEos: config.add_eos_token ?? false,
    eosContent: eosContents[0] ?? null,
    sourceFiles: [file, ...SMALL_FILES.filter((name) => fileNames.includes(name))].map((name) =>
      join(folder, name),
    ),
    warnings: [...files.warnings, ...base.warnings],
  };
}

/** tokenizer.model where there is one: the reference reads it, and its scores are the original's. */
async function readBase({
  folder,
  fileNames,
}: TokenizerRequest): Promise<{ base: BaseVocabulary; file: string }> {
  if (fileNames.includes(MODEL_FILE)) {
    const bytes = await readWholeFile(await containedPath(folder, MODEL_FILE, folder), MAX_MODEL_BYTES);
    return { base: fromSentencePiece(parseSentencePiece(bytes, MODEL_FILE), MODEL_FILE), file: MODEL_FILE };
  }
  if (fileNames.includes(JSON_FILE)) {
    const bytes = await readWholeFile(
      await containedPath(folder, JSON_FILE, folder),
      MAX_TOKENIZER_JSON_BYTES,
    );
    return { base: parseTokenizerJson(bytes, JSON_FILE), file: JSON_FILE };
  }
  throw incomplete(folder, `There is no tokenizer: neither ${MODEL_FILE} nor ${JSON_FILE}.`);
}

function pieceIds({ pieces }: BaseVocabulary): (content: string) => number | undefined {
  const ids = new Map(
    pieces.flatMap((piece, id) => (piece === undefined ? [] : [[piece.text, id] as const])),
  );
  return (content) => ids.get(content);
}

function tokenCountOf(pieces: number, added: readonly AddedToken[]): number {
  return added.reduce((count, token) => Math.max(count, token.id + 1), pieces);
}

function asList(value: number | readonly number[] | null | undefined): readonly number[] {
  if (value === null || value === undefined) return [];
  return typeof value === 'number' ? [value] : value;
}
