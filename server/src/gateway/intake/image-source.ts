// Where an image of a request comes from. Everything behind this type is the same for all of them.

export type ImageSource =
  /** Bytes that came with the request; `place` names them in errors where it has several. */
  | { readonly kind: 'upload'; readonly bytes: Uint8Array; readonly place?: string }
  /** An address in a prompt; `place` names that prompt in errors, as `text` or `text[3]`. */
  | { readonly kind: 'url'; readonly url: string; readonly place: string };
