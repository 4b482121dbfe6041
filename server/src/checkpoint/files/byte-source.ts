// Bytes at positions: what every binary reader of this folder reads from. Readers ask for exact ranges, so a file of any
// length costs only what is asked for, and tests bring bytes in memory.

export interface ByteSource {
  /** For messages: the file's name. */
  readonly name: string;
  readonly sizeBytes: number;
  /**
   * Exactly `byteCount` bytes from `offsetBytes`.
   * @throws CheckpointError checkpoint.malformed when the range leaves the source, checkpoint.unreadable on I/O errors
   */
  read(offsetBytes: number, byteCount: number): Promise<Uint8Array>;
}
