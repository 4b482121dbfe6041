// The pieces a prompt is made of before tokenising. Text of a user only ever becomes a text piece and a text piece is never
// searched for special tokens or image slots, so a user cannot spell either; only templates and trusted text make the others.

export type PromptPiece =
  | { readonly kind: 'text'; readonly text: string }
  /** A token outside the plain vocabulary, by its spelling. A tokenizer that lacks it reads the spelling as text. */
  | { readonly kind: 'special'; readonly content: string }
  /** The place of image number `image` of the request, counted from 0. */
  | { readonly kind: 'image'; readonly image: number };

export const textPiece = (text: string): PromptPiece => ({ kind: 'text', text });
export const specialPiece = (content: string): PromptPiece => ({ kind: 'special', content });
export const imagePiece = (image: number): PromptPiece => ({ kind: 'image', image });
