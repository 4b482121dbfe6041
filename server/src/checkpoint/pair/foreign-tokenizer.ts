// The tokenizer of a GGUF file that someone else wrote. What the metadata leaves out, the vocabulary itself tells: how Llama 3 cuts text,
// and which tokens end a turn. Each such conclusion is kept in words, with what it stands on.
import type { AddedToken, TokenizerSettings } from '../../model/description.js';
import { malformed, unsupported } from '../failures.js';
import type { GgufFile } from '../gguf/gguf-file.js';
import { PIECE_TYPE } from '../tokenizer/sentencepiece.js';
import { isPhi3, isTurnEnd } from '../tokenizer/turn-ends.js';

export interface ForeignTokenizer {
  readonly settings: TokenizerSettings;
  /** Spelling of the token that the metadata calls the end. */
  readonly eosContent: string | null;
  /** `tokenizer.ggml.pre` for llama.cpp where the file lacks it; null where the file's own counts. */
  readonly preTokenizer: string | null;
  readonly conclusions: readonly string[];
  readonly warnings: readonly string[];
}

const PRE_KEY = 'tokenizer.ggml.pre';
/** llama.cpp's name for Llama 3's way to cut text, and the older ones that mean the same (llama-vocab.cpp). */
const LLAMA_3_PRE = 'llama-bpe';
const LLAMA_3_PRES = [LLAMA_3_PRE, 'llama3', 'llama-v3'];
/** The converter of May 2024 took Llama 3 for Smaug, whose text is cut alike but begins and merges otherwise (llama.cpp issue 7724). */
const SMAUG_PRE = 'smaug-bpe';
/** What converters wrote that did not know better. */
const UNSURE_PRES = ['default', SMAUG_PRE];
const LLAMA_3_BEGIN = '<|begin_of_text|>';

/** @throws CheckpointError checkpoint.unsupported, checkpoint.malformed */
export function foreignTokenizer(model: GgufFile, legacy: boolean): ForeignTokenizer {
  const kind = tokenizerKind(model);
  const tokens = model.require(model.strings('tokenizer.ggml.tokens'), 'tokenizer.ggml.tokens');
  const types = model.numbers('tokenizer.ggml.token_type') ?? tokens.map(() => PIECE_TYPE.normal);
  if (types.length !== tokens.length)
    throw malformed(model.name, `There are ${tokens.length} tokens and ${types.length} token types.`);
  const ends = endsOf(model, tokens);
  const pre = preOf(model, kind, tokens);
  const spelling = (key: string) => tokens[model.number(`tokenizer.ggml.${key}`) ?? -1] ?? null;
  return {
    settings: {
      kind,
      legacy,
      addBos: model.boolean('tokenizer.ggml.add_bos_token') ?? (kind === 'sentencepiece' || pre.isLlama3),
      addSpacePrefix: kind === 'sentencepiece' && (model.boolean('tokenizer.ggml.add_space_prefix') ?? true),
      removesExtraWhitespace:
        kind === 'sentencepiece' && (model.boolean('tokenizer.ggml.remove_extra_whitespaces') ?? false),
      bosId: model.number('tokenizer.ggml.bos_token_id') ?? null,
      eosIds: ends.map(({ id }) => id),
      tokenCount: 1 + types.findLastIndex((type) => type !== PIECE_TYPE.unused),
      addedTokens: addedTokens(tokens, types),
      spellings: {
        bos: spelling('bos_token_id'),
        eos: spelling('eos_token_id'),
        unknown: spelling('unknown_token_id'),
        pad: spelling('padding_token_id'),
      },
    },
    eosContent: spelling('eos_token_id'),
    preTokenizer: pre.override,
    conclusions: [...pre.conclusions, `answers end with ${ends.map(endText).join(', ') || 'no token'}`],
    warnings: pre.warnings,
  };
}

export function tokenizerKind(model: GgufFile): TokenizerSettings['kind'] {
  const name = model.require(model.string('tokenizer.ggml.model'), 'tokenizer.ggml.model');
  if (name === 'llama') return 'sentencepiece';
  if (name === 'gpt2') return 'bpe';
  throw unsupported(model.name, `The tokenizer is of kind ${name}; llama and gpt2 are supported.`);
}

/** Tokens of Phi-3 that keep the white space after them; its others swallow it (llama-vocab.cpp sets the same by the model's name). */
const PHI_3_PLAIN = ['<unk>', '<s>', '<|endoftext|>'];

function addedTokens(tokens: readonly string[], types: readonly number[]): AddedToken[] {
  const added = tokens.flatMap((content, id) => {
    const type = types[id];
    const special = type === PIECE_TYPE.control || type === PIECE_TYPE.unknown;
    if (content === '' || (!special && type !== PIECE_TYPE.userDefined)) return [];
    return [{ id, content, special, lstrip: false, rstrip: false }];
  });
  if (!isPhi3(added)) return added;
  return added.map((token) => ({ ...token, rstrip: !PHI_3_PLAIN.includes(token.content) }));
}

interface End {
  readonly id: number;
  readonly content: string;
  readonly evidence: string;
}

const endText = ({ id, content, evidence }: End): string => `${content} (${id}, ${evidence})`;

/** What the metadata names, then what the vocabulary spells; each id once. */
function endsOf(model: GgufFile, tokens: readonly string[]): End[] {
  const stated = ['eos_token_id', 'eot_token_id', 'eom_token_id'].flatMap((name): End[] => {
    const key = `tokenizer.ggml.${name}`;
    const id = model.number(key);
    return id === undefined ? [] : [{ id, content: tokens[id] ?? '', evidence: key }];
  });
  const spelled = tokens.flatMap((content, id): End[] =>
    isTurnEnd(content) ? [{ id, content, evidence: 'by its spelling' }] : [],
  );
  const byId = new Map<number, End>();
  for (const end of [...stated, ...spelled]) if (!byId.has(end.id)) byId.set(end.id, end);
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

interface PreTokenizer {
  readonly override: string | null;
  readonly isLlama3: boolean;
  readonly conclusions: readonly string[];
  readonly warnings: readonly string[];
}

/** SentencePiece models need none. */
function preOf(model: GgufFile, kind: TokenizerSettings['kind'], tokens: readonly string[]): PreTokenizer {
  const nothing = { override: null, isLlama3: false, conclusions: [], warnings: [] };
  if (kind === 'sentencepiece') return nothing;
  const stated = model.string(PRE_KEY);
  if (stated !== undefined && !UNSURE_PRES.includes(stated))
    return { ...nothing, isLlama3: LLAMA_3_PRES.includes(stated) };
  const evidence = stated === undefined ? `${PRE_KEY} is missing` : `${PRE_KEY} is ${stated}`;
  if (tokens.includes(LLAMA_3_BEGIN)) {
    const conclusion = `text is cut as Llama 3 does (${LLAMA_3_PRE}): ${evidence}, and the byte-level vocabulary has ${LLAMA_3_BEGIN}`;
    return { ...nothing, override: LLAMA_3_PRE, isLlama3: true, conclusions: [conclusion] };
  }
  if (stated === SMAUG_PRE) return nothing;
  const warning = `${model.name}: ${evidence}, and nothing else tells how the model cuts text before it is encoded. llama.cpp's default is used; texts may encode differently from how the model was trained. Convert the model again with a newer converter.`;
  return { ...nothing, warnings: [warning] };
}
