/** An id that nobody else has. Not `crypto.randomUUID`, which browsers keep from pages that came over plain HTTP from another machine. */
export const randomId = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');
