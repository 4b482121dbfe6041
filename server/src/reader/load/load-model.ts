// From the settings of a reader to a model that answers: converts the checkpoint where the cache has no pair of it yet, then
// loads the pair. Reports what it is doing, because the first start of a large model takes minutes.
import { createHash } from 'node:crypto';
import type { ReaderStart } from '../../link/messages.js';
import type { ModelDescription } from '../../model/description.js';
import { physicalCores } from '../../native/cores.js';
import type { NativeLog } from '../../native/log.js';
import { openRuntime } from '../../native/runtime.js';
import { createTensorCodec } from '../../native/tensor-codec.js';
import { createEchoModel } from '../engine/echo-model.js';
import type { Engine } from '../engine/engine.js';
import type { Tokenizer } from '../prompt/tokenizer.js';
import { loadPair } from './load-pair.js';
