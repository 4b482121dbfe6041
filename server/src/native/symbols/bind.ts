// Turns a C prototype into a typed TypeScript function. The prototypes in the symbol tables are those of the headers.
import type { LibraryHandle } from 'koffi';
import { NativeError } from '../../errors.js';
import './structs.js'; // declares the struct names that prototypes use

/** A bound C function: call it on this thread, or `.async` on a worker thread (arguments must stay alive until then). */
export type Native<A extends readonly unknown[], R> = ((...args: A) => R) & {
  readonly async: (...args: [...A, (error: Error | null, result: R) => void]) => void;
};

export const bind = <A extends readonly unknown[], R>(
  library: LibraryHandle,
  prototype: string,
): Native<A, R> => library.func(prototype);

/** Runs a bound function on a worker thread. */
export function onWorker<A extends readonly unknown[], R>(call: Native<A, R>, ...args: A): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    call.async(...args, (error, result) => {
      if (error === null) resolve(result);
      else
        reject(
          new NativeError('native.call_failed', `A native call could not be made: ${error.message}`, {
            cause: error,
          }),
        );
    });
  });
}
