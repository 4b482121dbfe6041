// Questions that a reader of a cluster is asked: what its model makes of texts, only the cluster knows.
import type { AnswerToQuestion, AskMessage } from '../../link/requests/questions.js';

export function answerForCluster({ requestId, question }: AskMessage): AnswerToQuestion {
  switch (question.kind) {
    case 'model_config':
      return { kind: 'answer', requestId, answer: { kind: 'model_config', json: null } };
    case 'adapters':
      if (Object.keys(question.loras).length === 0)
        return { kind: 'answer', requestId, answer: { kind: 'adapters', loras: [] } };
      return {
        kind: 'refusal',
        requestId,
        code: 'request.reader_invalid',
        message:
          'loras cannot be set: the reader forwards to a cluster, which has the adapters. Add a reader with the name that the cluster serves the adapter under as its api_model.',
      };
    case 'tokenize':
    case 'detokenize':
    case 'render':
    case 'count':
      return {
        kind: 'refusal',
        requestId,
        code: 'request.not_supported',
        message:
          'The reader forwards to a cluster (device: api), which has the tokenizer and the chat template of the model: ask the cluster. What a prompt took, the usage of its answer says.',
      };
  }
}
