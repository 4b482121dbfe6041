// Bytes in, text out, without ever cutting a character: an unfinished one waits for the next call. Differs from the platform's
// TextDecoder on purpose: each byte that is no part of a character becomes one U+FFFD, as SentencePiece decodes byte tokens
// (google/sentencepiece, sentencepiece_processor.cc), where TextDecoder joins several into one.

const REPLACEMENT = '\uFFFD';

type Scan =
  { readonly kind: 'character'; readonly byteCount: number } | { readonly kind: 'invalid' | 'unfinished' };

export class Utf8Stream {
  /** At most three bytes: the beginning of a character. */
  #pending: number[] = [];
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });

  /** Text of all characters that are complete now. */
  push(bytes: Uint8Array): string {
    return this.#decode([...this.#pending, ...bytes], false);
  }

  /** What an unfinished character leaves: one U+FFFD for each of its bytes. */
  finish(): string {
    return this.#decode(this.#pending, true);
  }

  #decode(bytes: readonly number[], isLast: boolean): string {
    let text = '';
    let at = 0;
    while (at < bytes.length) {
      const scan = scanCharacter(bytes, at);
      if (scan.kind === 'unfinished' && !isLast) break;
      const byteCount = scan.kind === 'character' ? scan.byteCount : 1;
      text +=
        scan.kind === 'character'
          ? this.#decoder.decode(Uint8Array.from(bytes.slice(at, at + byteCount)))
          : REPLACEMENT;
      at += byteCount;
    }
    this.#pending = bytes.slice(at);
    return text;
  }
}

/**
 * Finds the end of the character that starts at `at`. Sequences of the right form that are no characters (overlong forms,
 * surrogates, beyond U+10FFFF) pass: for those TextDecoder gives one U+FFFD a byte itself.
 */
function scanCharacter(bytes: readonly number[], at: number): Scan {
  const byteCount = characterBytes(bytes[at] ?? 0);
  if (byteCount === 0) return { kind: 'invalid' };
  for (let offset = 1; offset < byteCount; offset += 1) {
    const byte = bytes[at + offset];
    if (byte === undefined) return { kind: 'unfinished' };
    if (byte < 0x80 || byte > 0xbf) return { kind: 'invalid' };
  }
  return { kind: 'character', byteCount };
}

/** By the first byte; 0 for one that begins no character (RFC 3629, section 4). */
function characterBytes(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}
