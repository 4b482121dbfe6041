// For tests only: a vocabulary of bytes. Byte b is token b + 3; the others have no bytes.
import { createEchoModel } from '../load/echo-model.js';

const LIMITS = { contextTokens: 64, cells: 64, maxSequences: 1, slots: 1, maxRows: 8, rowGroup: 1 };

export const { tokenizer } = createEchoModel(LIMITS);
