#!/usr/bin/env bash
# npm 11.19.1: `npm sbom --omit=dev` works where development dependencies are installed, and fails where they are not.
#
# It was expected to list what a tree without development dependencies holds, all the more after `npm prune --omit=dev`, which leaves
# such a tree. It ends with ESBOMPROBLEMS and "missing: …, required by …" for each development dependency that is not there, those of
# a workspace too: --omit chooses what the list shows and not what has to be installed. An image that prunes before it writes its bill
# of materials gets none; the list has to be written first. Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix tool npm@11.19.1 > /dev/null
npm_under_test() { node "$folder/tool/node_modules/npm/bin/npm-cli.js" "$@"; }

# $1: folder; $2: development dependencies of the root project; $3: those of its workspace
project() {
  mkdir -p "$1/page"
  printf '{"name":"root","version":"1.0.0","private":true,"workspaces":["page"],"dependencies":{"once":"1.4.0"},"devDependencies":%s}' "$2" > "$1/package.json"
  printf '{"name":"page","version":"1.0.0","private":true,"devDependencies":%s}' "$3" > "$1/page/package.json"
  (cd "$1" && npm_under_test install --silent --no-audit --no-fund > /dev/null)
}
# Prints the exit code.
sbom() { (cd "$1" && npm_under_test sbom --omit=dev --sbom-format cyclonedx > sbom.json 2> sbom.err && echo 0 || echo $?); }

project of-the-root '{"ms":"2.1.3"}' '{}'
project of-a-workspace '{}' '{"ms":"2.1.3"}'
codes=""
for kind in of-the-root of-a-workspace; do
  before="$(sbom $kind)"
  listed="$(grep -c '"name": "ms"' $kind/sbom.json || true)"
  (cd "$kind" && npm_under_test prune --silent --omit=dev > /dev/null)
  after="$(sbom $kind)"
  echo "npm $(npm_under_test --version), a development dependency $kind: exit code $before before the prune (listed: $listed), $after after it"
  grep -E 'missing|ESBOM' "$kind/sbom.err" || true
  codes="$codes $before $after"
done
[ "$codes" = " 0 1 0 1" ]
