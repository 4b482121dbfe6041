#!/usr/bin/env bash
# Does by hand what `docker build` and `docker run` would do with the Dockerfile, on machines without a container engine: in a clean
# Debian root with this machine's Node in the place of the base image. Linux, root, debootstrap and a way to npm's registry are needed.
# Not part of the tests: it downloads a Debian, and all packages anew.
#
#   deploy/container/try-in-debootstrap.sh [MIRROR]
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d /tmp/takeoff-container.XXXXXX)
base=$work/base build=$work/build final=$work/final
port=$((20000 + RANDOM % 20000))
server=

clean_up() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  for place in "$build" "$final"; do
    for mounted in dev proc tmp code/models; do umount -l "$place/$mounted" 2>/dev/null || true; done
    umount -l "$place" 2>/dev/null || true
  done
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT

say() { printf '\n== %s\n' "$*"; }

# The lines of a stage, 1 or 2, with continued lines joined.
stage() {
  sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' "$repository/Dockerfile" |
    awk -v wanted="$1" '/^FROM /{stage++; next} /^#/{next} NF && stage == wanted'
}

# ENV of the second stage, as arguments of env.
environment() { stage 2 | sed -n 's/^ENV //p' | tr '\n' ' '; }

say 'the base: a minimal Debian, with the Node of this machine'
debootstrap --variant=minbase --include=ca-certificates bookworm "$base" "${1:-http://deb.debian.org/debian}" > "$work/log"
node_home=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
npm_home=$(npm root -g)/npm
install -D "$node_home/bin/node" "$base/usr/local/bin/node"
mkdir -p "$base/usr/local/lib/node_modules"
cp -a "$npm_home" "$base/usr/local/lib/node_modules/"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$base/usr/local/bin/npm"
ln -s ../lib/node_modules/npm/bin/npx-cli.js "$base/usr/local/bin/npx"
chroot "$base" useradd --uid 1000 --create-home node
cp -a "$base" "$build"
cp -a "$base" "$final"

say 'stage 1'
cp /etc/resolv.conf "$build/etc/resolv.conf"
cp /etc/hosts "$build/etc/hosts"
# Whom this machine trusts, such as a registry's mirror with a certificate of its own.
cp -L "${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt}" "$build/etc/ssl/trusted.crt"
mount --bind /dev "$build/dev"
mount -t proc proc "$build/proc"
mkdir "$build/app"
# What .dockerignore lets through, as far as git knows it.
git -C "$repository" ls-files -z -- . ':!docs' ':!findings' ':!test' ':!.ci' ':!*.test.ts' |
  (cd "$repository" && tar --null --files-from=- -c) | tar -x -C "$build/app"
stage 1 | sed -n 's/^RUN //p' | while read -r command; do
  say "RUN $command"
  # npm run names the certificates of this machine to its children by a path, which means others in here.
  chroot "$build" env HOME=/root npm_config_registry="$(npm config get registry)" NODE_EXTRA_CA_CERTS=/etc/ssl/trusted.crt \
    npm_config_cafile=/etc/ssl/trusted.crt sh -c "cd /app && $command" < /dev/null
done
umount "$build/proc" "$build/dev"

say 'stage 2'
mkdir "$final/app"
stage 2 | while read -r word arguments; do
  case $word in
    RUN)
      say "RUN $arguments"
      chroot "$final" sh -c "cd /app && $arguments" < /dev/null
      ;;
    COPY)
      # --from=build SOURCE… TARGET; a folder is copied by its content.
      read -r -a words <<< "$arguments"
      target=$final/app/${words[-1]}
      for source in "${words[@]:1:${#words[@]}-2}"; do
        if [ -d "$build$source" ]; then mkdir -p "$target" && cp -a "$build$source/." "$target"; else cp -a "$build$source" "$target"; fi
      done
      ;;
  esac
done
du -sh "$final/app"

say 'run: nobody but the node user, a root file system that cannot be written to, a volume and /tmp'
mount --bind "$final" "$final"
mkdir "$work/models"
chown 1000:1000 "$work/models"
mount --bind "$work/models" "$final/code/models"
mount -t tmpfs tmpfs "$final/tmp"
mount --bind /dev "$final/dev"
mount -t proc proc "$final/proc"
mount -o remount,bind,ro "$final"
read -r -a variables <<< "$(environment)"
# chroot is root's; it changes the user behind it. An array and not a function, so that the server is the child that signals go to.
in_container=(
  chroot --userspec=1000:1000 "$final" env -i PATH=/usr/local/bin:/usr/bin:/bin HOME=/home/node "${variables[@]}"
  TAKEOFF_PORT=$port TAKEOFF_MANAGEMENT_PORT=$((port + 1)) TAKEOFF_OPENAI_PORT=$((port + 2))
)
"${in_container[@]}" node /app/deploy/container/entrypoint.js > "$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  if "${in_container[@]}" node /app/deploy/container/healthcheck.js > /dev/null; then break; fi
  kill -0 "$server" || { cat "$work/server.log"; exit 1; }
  sleep 1
done
cat "$work/server.log"
"${in_container[@]}" node -e '
  const fs = require("node:fs");
  try { fs.writeFileSync("/app/x", ""); process.exit(1); } catch (error) { console.log("written to /app:", error.code); }
  const body = JSON.stringify({ text: "Is there a circle?", use_chat_template: true, max_new_tokens: 8 });
  fetch(`http://127.0.0.1:${process.env.TAKEOFF_PORT}/generate`, { method: "POST", headers: { "content-type": "application/json" }, body })
    .then((response) => response.text()).then(console.log);
'
kill -TERM "$server"
wait "$server"
server=
say 'a start that fails'
if "${in_container[@]}" env TAKEOFF_MODEL_NAME=/no/such/model node /app/deploy/container/entrypoint.js > "$work/failed.log" 2>&1; then exit 1; fi
grep 'TAKEOFF CONTAINER ERROR:' "$work/failed.log"
say 'all of it works'
