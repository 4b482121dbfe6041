/** What was parsed is read by everybody and changed by nobody, down to its last list. */
export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
