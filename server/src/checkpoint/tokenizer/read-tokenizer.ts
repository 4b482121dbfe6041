// Reads whatever tokenizer a checkpoint's folder has and brings it to one form: settings for prompt assembly, and the
// vocabulary as GGUF stores it.
import { join } from 'node:path';
import type { z } from 'zod';
import type { AddedToken, TokenizerSettings } from '../../model/description.js';
import { incomplete } from '../failures.js';
import { containedPath } from '../files/contained-path.js';
import { MAX_CONFIG_BYTES, readJsonFile, readWholeFile } from '../files/json-file.js';
import { addLlavaTokens, mergeAddedTokens } from './added-tokens.js';
import { parseSentencePiece, PIECE_TYPE, type SentencePieceModel } from './sentencepiece.js';
import {
  addedTokensSchema,
  generationConfigSchema,
  specialTokensMapSchema,
  tokenizerConfigSchema,
} from './tokenizer-config.js';
import { sentencePieceVocabulary, type Vocabulary } from './vocabulary.js';

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
const TOKENIZER_FILES = [
  MODEL_FILE,
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'generation_config.json',
];

/** @throws CheckpointError of any code */
export async function readTokenizer(request: TokenizerRequest): Promise<TokenizerData> {
  const { folder, fileNames, rows } = request;
  const config = (await optionalJson(request, 'tokenizer_config.json', tokenizerConfigSchema)) ?? {};
  const specialTokens =
    (await optionalJson(request, 'special_tokens_map.json', specialTokensMapSchema)) ?? {};
  const addedTokens = (await optionalJson(request, 'added_tokens.json', addedTokensSchema)) ?? {};
  const generation = await optionalJson(request, 'generation_config.json', generationConfigSchema);
  if (!fileNames.includes(MODEL_FILE))
    throw incomplete(folder, `There is no tokenizer: ${MODEL_FILE} is missing.`);
  const path = await containedPath(folder, MODEL_FILE, folder);
  const model = parseSentencePiece(await readWholeFile(path, MAX_MODEL_BYTES), MODEL_FILE);

  const idOf = pieceIds(model);
  const merged = mergeAddedTokens({ config, specialTokens, addedTokens, own: ownTokens(model), idOf });
  // Ids beyond the embedding can never be computed; vocabularies that were cut down leave such entries behind.
  const inRows = merged.filter((token) => token.id < rows);
  const added = addLlavaTokens(
    inRows,
    tokenCountOf(model.pieces.length, inRows),
    rows,
    { patch: request.reservesPatchToken, startEnd: request.wrapsImageInStartEnd },
    join(folder, 'config.json'),
  );
  const idOfToken = (content: string | null | undefined) =>
    typeof content === 'string'
      ? (added.find((token) => token.content === content)?.id ?? idOf(content))
      : undefined;
  const eosContent = config.eos_token ?? specialTokens.eos_token ?? null;
  const ends = [...asList(generation?.eos_token_id), ...request.eosIds, ...asList(idOfToken(eosContent))];
  return {
    settings: {
      kind: 'sentencepiece',
      legacy: config.legacy ?? true,
      addBos: config.add_bos_token ?? true,
      addSpacePrefix: config.add_prefix_space ?? model.addsDummyPrefix,
      bosId: idOfToken(config.bos_token ?? specialTokens.bos_token) ?? request.bosId,
      eosIds: [...new Set(ends)].filter((id) => id < rows).sort((a, b) => a - b),
      tokenCount: tokenCountOf(model.pieces.length, added),
      addedTokens: added,
    },
    vocabulary: sentencePieceVocabulary(model.pieces, added, rows, MODEL_FILE),
    primaryEosId: ends.find((id) => id < rows) ?? null,
    unknownId: idOfToken(config.unk_token ?? specialTokens.unk_token) ?? null,
    padId: idOfToken(config.pad_token ?? specialTokens.pad_token) ?? null,
    addEos: config.add_eos_token ?? false,
    eosContent,
    sourceFiles: TOKENIZER_FILES.filter((name) => fileNames.includes(name)).map((name) => join(folder, name)),
    warnings: modelWarnings(model),
  };
}

async function optionalJson<T>(
  { folder, fileNames }: TokenizerRequest,
  name: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  if (!fileNames.includes(name)) return undefined;
  return readJsonFile(await containedPath(folder, name, folder), schema, MAX_CONFIG_BYTES);
}

function pieceIds(model: SentencePieceModel): (content: string) => number | undefined {
  const ids = new Map(model.pieces.map((piece, id) => [piece.text, id]));
  return (content) => ids.get(content);
}

/** Control and unknown pieces are special by themselves; markers among the user-defined ones are matched but printed. */
function ownTokens(model: SentencePieceModel): AddedToken[] {
  return model.pieces.flatMap(({ text, type }, id) => {
    const special = type === PIECE_TYPE.control || type === PIECE_TYPE.unknown;
    const isMarker = type === PIECE_TYPE.userDefined && /^<\|.+\|>$/.test(text);
    return special || isMarker ? [{ id, content: text, special, lstrip: false, rstrip: false }] : [];
  });
}

function tokenCountOf(pieces: number, added: readonly AddedToken[]): number {
  return added.reduce((count, token) => Math.max(count, token.id + 1), pieces);
}

function asList(value: number | readonly number[] | null | undefined): readonly number[] {
  if (value === null || value === undefined) return [];
  return typeof value === 'number' ? [value] : value;
}

function modelWarnings(model: SentencePieceModel): string[] {
  return model.normalizesCharacters
    ? [
        `${MODEL_FILE} normalises characters before encoding; this is not applied, rare characters may encode differently.`,
      ]
    : [];
}
