#!/usr/bin/env bash
# TypeScript 5.9.3, target ES2022: a class whose private method names the class cannot make a static instance of itself.
#
# ES2022 has static fields and private methods, so a class with both was expected to be emitted as it is written, and
# `static readonly zero = new Money([])` to work: the class is bound inside its own body when static fields are initialised. It is
# emitted so as long as no private method (#cut) mentions the class by name. As soon as one does, every mention of the class in its
# body is replaced by a variable that is assigned behind the class, and the static field calls it before: "undefined is not a
# constructor", at import. The type check is silent, and runners that compile with esbuild (vitest, tsx) run the same file, so
# that tests pass and the built program does not start. Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund typescript@5.9.3 esbuild@0.25.12 > /dev/null

money() {
  cat > "$1.ts" << SOURCE
class Money {
  static readonly zero = new Money([]);
  readonly coins: readonly number[];
  constructor(coins: readonly number[]) {
    this.coins = coins;
  }
  halves(): Money[] {
    return this.$2cut(2);
  }
  $2cut(parts: number): Money[] {
    return this.coins.map((coin) => new Money([coin / parts]));
  }
}
console.log(Money.zero.coins.length + new Money([2, 4]).halves().length);
SOURCE
}
money hash '#'
money plain ''
run() { { node "$1" 2>&1 || true; } | grep -oE '^[0-9]+$|is not a constructor' | head -1; }

npx tsc --strict --target es2022 --module nodenext --outDir tsc hash.ts plain.ts
npx esbuild hash.ts --target=es2022 --outfile=esbuild/hash.js --log-level=error
built="$(run tsc/hash.js)"
plain="$(run tsc/plain.js)"
other="$(run esbuild/hash.js)"
echo "TypeScript 5.9.3, target ES2022, exit code of the type check 0:"
echo "  private method #cut, tsc:          $built (seen: is not a constructor)"
echo "  the same method without #, tsc:    $plain (seen: 2)"
echo "  private method #cut, esbuild:      $other (seen: 2)"
[ "$built" = 'is not a constructor' ] && [ "$plain" = 2 ] && [ "$other" = 2 ]
