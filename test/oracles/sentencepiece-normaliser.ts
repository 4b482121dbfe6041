// An oracle for tests: SentencePiece's normaliser for a model that removes extra white space and maps no characters, one character
// at a time as google/sentencepiece has it (src/normalizer.cc, Normalizer::Normalize), and the stretches that transformers' slow
// LlamaTokenizer (4.37, tokenization_llama.py) hands to it. Shares no code with the program. Gave the ids of SentencePiece itself
// for 20,000 random texts.
const BLANK = ' ';
const BLANK_PIECE = '▁';

/** What is then cut into pieces, blanks spelt `▁`. */
export function normalise(text: string, addsDummyPrefix: boolean): string {
  const input = Array.from(text);
  while (input[0] === BLANK) input.shift();
  if (input.length === 0) return '';
  const normalised = addsDummyPrefix ? [BLANK_PIECE] : [];
  let isAfterBlank = true;
  for (const character of input) {
    if (isAfterBlank && character === BLANK) continue;
    normalised.push(character === BLANK ? BLANK_PIECE : character);
    isAfterBlank = character === BLANK;
  }
  while (normalised.at(-1) === BLANK_PIECE) normalised.pop();
  return normalised.join('');
}

const UNKNOWN = '<unk>';

/** A text after a special token where the tokenizer is not legacy: `<unk>` is put before a blank and taken away again. */
export function normaliseInside(text: string): string {
  return text.startsWith(BLANK)
    ? normalise(UNKNOWN + text, false).slice(UNKNOWN.length)
    : normalise(text, false);
}
