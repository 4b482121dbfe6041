// The database of this browser that keeps conversations. Nothing in it leaves the browser.
import { MAX_KEPT, parseKept, type KeptConversation } from './kept-conversation.js';

const DATABASE = 'takeoff';
const STORE = 'conversations';

let opened: Promise<IDBDatabase> | undefined;

/** Takes a while the first time; done early, so that an answer is kept at once when it has ended. */
export function openDatabase(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new DOMException('no database', 'UnknownError'));
  });
  return opened;
}

async function within<T>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const database = await openDatabase();
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, mode);
    const request = work(transaction.objectStore(STORE));
    // Without waiting for the request to be answered, as a page that is left cannot.
    transaction.commit();
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error ?? new DOMException('not stored', 'AbortError'));
  });
}

/** The newest first. */
export async function listKept(): Promise<readonly KeptConversation[]> {
  const all: readonly unknown[] = await within<unknown[]>('readonly', (store) => store.getAll());
  return all
    .map(parseKept)
    .filter((kept) => kept !== null)
    .sort((a, b) => b.changedMs - a.changedMs);
}

/** Keeps it in place of an older state of it. The oldest give way beyond MAX_KEPT. */
export async function keep(conversation: KeptConversation): Promise<void> {
  await within('readwrite', (store) => store.put(conversation));
  for (const { id } of (await listKept()).slice(MAX_KEPT)) await forget(id);
}

export const forget = async (id: string): Promise<void> => {
  await within('readwrite', (store) => store.delete(id));
};

export const forgetAll = async (): Promise<void> => {
  await within('readwrite', (store) => store.clear());
};
