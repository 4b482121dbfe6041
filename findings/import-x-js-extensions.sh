#!/usr/bin/env bash
# eslint-plugin-import-x 4.18.1: import rules fall silent for TypeScript that names compiled files.
#
# TypeScript with module nodenext writes `import './b.js'` for b.ts. The usual setting for the bundled node resolver,
# `extensions: ['.ts', '.js']`, was expected to find b.ts, as it does for `import './b'`. It does not, and rules that guard an
# architecture (no-restricted-paths, no-cycle) pass every import that they cannot resolve: no error, no warning, exit code 0.
# With createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } }) both rules fire. Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  eslint@9.39.5 eslint-plugin-import-x@4.18.1 typescript-eslint@8.73.0 typescript@5.9.3 > /dev/null
mkdir -p src/low src/high
echo "import { high } from '../high/high.js'; export const low: number = high;" > src/low/low.ts
echo "import { low } from '../low/low.js'; export const high: number = low;" > src/high/high.ts

config() {
  cat > eslint.config.mjs << CONFIG
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
export default [
  {
    files: ['**/*.ts'],
    languageOptions: { parser: tseslint.parser },
    plugins: { 'import-x': importX },
    settings: { 'import-x/extensions': ['.ts'], $1 },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: [{ target: './src/low', from: './src/high' }] }],
      'import-x/no-cycle': 'error',
    },
  },
];
CONFIG
}
count() { npx eslint src --format json | node -e "
  let text = ''; process.stdin.on('data', (d) => (text += d)).on('end', () =>
    console.log(JSON.parse(text).flatMap((f) => f.messages).length));" || true; }

config "'import-x/resolver': { node: { extensions: ['.ts', '.js'] } }"
silent="$(count)"
config "'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.js'] } })]"
found="$(count)"
echo "eslint-plugin-import-x 4.18.1, one forbidden import and one cycle of two files:"
echo "  extensions ['.ts', '.js']:       $silent problems (seen: 0)"
echo "  extensionAlias .js -> .ts:        $found problems (seen: 3)"
[ "$silent" = 0 ] && [ "$found" = 3 ]
