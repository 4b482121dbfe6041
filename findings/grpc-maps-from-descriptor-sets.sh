#!/usr/bin/env bash
# @grpc/proto-loader 0.8.1 (protobufjs 7.6.6): the same service takes and gives maps as objects when it is loaded from its .proto file,
# and as lists of { key, value } when it is loaded from the descriptor set that buf 1.75.0 (or protoc) makes of that file.
#
# It was expected that both ways of loading a service give the same service, as the documentation of the package says nothing else.
# A descriptor set writes map<string, string> as a repeated message whose option map_entry is set; protobufjs keeps the option and does
# not make a map of it again. What is decoded has another type then, and what was written for objects fails with "array expected".
# The bytes are the same, so a server loaded one way and a client loaded the other way understand each other and show different values:
# whoever serves KEDA's external scaler, whose requests have such a map, and moves from .proto files to a descriptor set, reads
# undefined for each of its keys. Exits non-zero if that changes.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true,"type":"module"}' > package.json
npm install --silent --no-audit --no-fund @grpc/proto-loader@0.8.1 protobufjs@7.6.6 @bufbuild/buf@1.75.0 > /dev/null 2>&1
cat > scaled.proto << 'EOF'
syntax = "proto3";
package scaling;
message Scaled { string name = 1; map<string, string> metadata = 2; }
service Scaler { rpc IsActive(Scaled) returns (Scaled); }
EOF
mkdir api && mv scaled.proto api/
./node_modules/.bin/buf build api --as-file-descriptor-set -o scaled.binpb
cat > compare.mjs << 'EOF'
import { readFileSync } from 'node:fs';
import { loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader';

const ways = { proto: loadSync('api/scaled.proto'), set: loadFileDescriptorSetFromBuffer(readFileSync('scaled.binpb')) };
const method = (way) => ways[way]['scaling.Scaler'].IsActive;
const scaled = { name: 'llava', metadata: { queue: 'primary' } };
const bytes = method('proto').requestSerialize(scaled);
const read = (way) => JSON.stringify(method(way).requestDeserialize(bytes).metadata);
console.log(`loaded from the .proto file:      metadata is ${read('proto')}`);
console.log(`loaded from the descriptor set:   metadata is ${read('set')}`);
let refusal = 'none';
try {
  method('set').requestSerialize(scaled);
} catch (error) {
  refusal = error.message;
}
console.log(`an object for the latter:         ${refusal}`);
const list = { ...scaled, metadata: [{ key: 'queue', value: 'primary' }] };
const sameBytes = method('set').requestSerialize(list).equals(bytes);
console.log(`a list for it makes the same bytes: ${sameBytes}`);
const seen = read('proto') === '{"queue":"primary"}' && read('set') === '[{"key":"queue","value":"primary"}]';
process.exit(seen && refusal.endsWith('metadata: array expected') && sameBytes ? 0 : 1);
EOF
node compare.mjs
