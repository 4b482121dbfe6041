// The client library's shell: it re-exports the contract's types. The calls come with the client's own release.
export type {
  ErrorBody,
  ErrorCode,
  GenerateRequest,
  GenerateResponse,
  GenerationMetadata,
} from 'takeoff-wire';
