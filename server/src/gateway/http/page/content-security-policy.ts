// What the page may load and whom it may ask. A mistake in the page that let an answer become markup would still run and load
// nothing.

/** `apiAddress`: where the page sends its requests; null: to where it comes from. */
export function contentSecurityPolicy(apiAddress: string | null): string {
  const api = apiAddress === null ? [] : [new URL(apiAddress).origin];
  return [
    ["default-src 'self'"],
    // Images that a person chose are shown from memory.
    ["img-src 'self' blob:"],
    ["connect-src 'self'", ...api],
    ["object-src 'none'"],
    ["base-uri 'none'"],
    ["form-action 'none'"],
    ["frame-ancestors 'none'"],
  ]
    .map((directive) => directive.join(' '))
    .join('; ');
}
