// What a download reports, in the form of the conversion's own events.

interface DownloadProgress {
  /** owner/name */
  readonly repository: string;
  readonly doneBytes: number;
  /** Bytes of all files that are needed, those already there included; 0 until they are known. */
  readonly totalBytes: number;
}

export type HubEvent =
  | { readonly kind: 'downloading'; readonly progress: DownloadProgress }
  /** Another process downloads the same repository; this one waits for it. */
  | { readonly kind: 'waiting'; readonly lockPath: string }
  | { readonly kind: 'warning'; readonly message: string };
