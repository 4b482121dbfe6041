// What a repository holds: the commit that a revision stands for, and the files at its top with their sizes and hashes. Addresses,
// pages and fields are the business of the hub's own client library; what comes back is checked here before anything is built on it.
import { z } from 'zod';
import { TakeoffError } from '../../errors.js';
import { isPlainName } from '../files/contained-path.js';
import { refused } from './failures.js';
import type { HubClient } from './hub-client.js';

type ContentHash =
  /** Of the content: files that the hub keeps outside of git. */
  | { readonly kind: 'sha256'; readonly hex: string }
  /** Of the content as a git blob. */
  | { readonly kind: 'git'; readonly hex: string };

export interface HubFile {
  /** A plain file name. */
  readonly name: string;
  readonly sizeBytes: number;
  readonly hash: ContentHash;
}

/** Large repositories have hundreds of files at the top. */
const MAX_FILES = 10_000;

const commitSchema = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/) });
const sizeSchema = z
  .int()
  .min(0)
  .max(2 ** 50);
const fileSchema = z.object({
  type: z.literal('file'),
  path: z.string(),
  size: sizeSchema,
  oid: z.string().regex(/^[0-9a-f]{40}$/),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/) }).nullish(),
});

/** The commit of the client's model at its revision. @throws HubError */
export async function findCommit(client: HubClient): Promise<string> {
  const { model, endpoint } = client.place;
  // Loaded when it is needed: a model in a folder needs no hub.
  const { modelInfo } = await import('@huggingface/hub');
  const found = await answered(client, () =>
    modelInfo({
      name: model.id,
      revision: model.revision,
      hubUrl: endpoint,
      additionalFields: ['sha'],
      fetch: client.fetchSmall,
    }),
  );
  return parsed(client, commitSchema, found).sha;
}

/** The files at the top of a commit. @throws HubError */
export async function listRepository(client: HubClient, commit: string): Promise<HubFile[]> {
  const { model, endpoint } = client.place;
  const { listFiles } = await import('@huggingface/hub');
  const entries = await answered(client, async () => {
    const listed: unknown[] = [];
    const repo = { type: 'model', name: model.id } as const;
    for await (const entry of listFiles({
      repo,
      revision: commit,
      hubUrl: endpoint,
      fetch: client.fetchSmall,
    })) {
      if (entry.type === 'file') listed.push(entry);
      if (listed.length > MAX_FILES) throw refused(client.place, `It lists more than ${MAX_FILES} files.`);
    }
    return listed;
  });
  return parsed(client, z.array(fileSchema), entries)
    .filter(({ path }) => isPlainName(path))
    .map(({ path, size, oid, lfs }) => ({
      name: path,
      sizeBytes: size,
      hash: lfs === undefined || lfs === null ? { kind: 'git', hex: oid } : { kind: 'sha256', hex: lfs.oid },
    }));
}

/** Errors of the library are about answers that make no sense; those of the connection are ours already. */
async function answered<T>(client: HubClient, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TakeoffError) throw error;
    throw refused(client.place, 'Its answer is not that of a model hub.', error);
  }
}

function parsed<T>(client: HubClient, schema: z.ZodType<T>, answer: unknown): T {
  const result = schema.safeParse(answer);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw refused(
    client.place,
    `Its answer is not that of a model hub (${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}).`,
    result.error,
  );
}
