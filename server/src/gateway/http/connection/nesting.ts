// How deep a JSON value of a request is nested, known before anything walks through it by recursion.

/** Level by level, because what is nested by the hundred thousand would overflow the stack of a recursion. */
export function isNestedDeeper(value: object, most: number): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > most) return true;
    level = level.flatMap((one): unknown[] =>
      typeof one === 'object' && one !== null ? Object.values(one) : [],
    );
  }
  return false;
}
