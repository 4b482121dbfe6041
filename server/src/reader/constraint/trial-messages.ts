// What the trial thread is started with, asked and answers.
import type { CompiledImage, GrammarKind, InstanceImage } from './llguidance.js';
import type { VocabularyBytes } from './vocabulary.js';

/** The first thread of a reader reads the vocabulary; those that follow it take its instance over. */
export type TrialSetup =
  | { readonly kind: 'vocabulary'; readonly vocabulary: VocabularyBytes }
  | { readonly kind: 'image'; readonly image: InstanceImage };

/** Of our own parent, in the same build; this only tells the compiler so. */
export const isTrialSetup = (given: unknown): given is TrialSetup =>
  typeof given === 'object' && given !== null && 'kind' in given;

/** A grammar to compile. */
export interface TrialQuestion {
  readonly kind: GrammarKind;
  readonly grammar: string;
}

export interface TrialMessage extends TrialQuestion {
  /** Where it takes longer, the answer brings what was compiled. */
  readonly quickMs: number;
}

export type TrialAnswer =
  /** Comes once, before everything else; with the number of the thread, where the system has such. */
  | { readonly kind: 'ready'; readonly image: InstanceImage; readonly thread: number | null }
  /** It compiles, and its first mask can be computed, within the limits and quickly. */
  | { readonly kind: 'quick' }
  /** It compiles as well, but not quickly. */
  | { readonly kind: 'slow'; readonly compiled: CompiledImage }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'too-large'; readonly why: string }
  /** The instance cannot be used any more. */
  | { readonly kind: 'trapped'; readonly why: string };
