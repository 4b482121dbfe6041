// Tests of whole programs that can only be those of one machine, each with the reason: what they are about does not exist where readers are
// processes of their own that a gateway knows by Redis alone.

const CHILDREN = 'kills, counts or lists the readers of a gateway, which has none';
const ONE_ID =
  'expects a list with one reader, by its id, and two with one id go by the names of their processes';
const RESTARTED =
  'expects the gateway to start its reader again, and to say why it ended; whoever runs readers does over Redis';
const SAME_READER =
  'expects two requests in a row to meet the same reader, which nobody promises where two hold their image';
const MANAGED = 'adds or changes readers through the gateway, which answers request.readers_elsewhere';

/** By file, and by name within a file; '*' for all of a file. */
const ONE_MACHINE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'test/process/life-and-death.test.ts': { '*': CHILDREN },
  'test/process/killed-readers.test.ts': { '*': CHILDREN },
  'test/process/readers.test.ts': { '*': MANAGED },
  'test/process/reader-sequences.test.ts': { '*': MANAGED },
  'test/process/absent-device.test.ts': { '*': MANAGED },
  'test/api-readers/own-port.test.ts': {
    'ends with an error, is dead with the reason, and comes back with its cluster': RESTARTED,
  },
  'test/openai/chat.test.ts': {
    'counts as the native API does, and finds the same prompt in the cache': SAME_READER,
  },
  'test/client/interoperability.test.ts': {
    'list readers and tell their status and configuration': ONE_ID,
    "create a reader by what LangChain's wrapper hands on, answer through it, and delete it": MANAGED,
  },
};

/** Undefined for a test that is one of many machines, too. */
export const whyOneMachine = (file: string, name: string): string | undefined => {
  const tests = ONE_MACHINE[file];
  return tests?.['*'] ?? tests?.[name];
};

/** Files of which no test is one of many machines. */
export const oneMachineFiles = (): string[] =>
  Object.entries(ONE_MACHINE).flatMap(([file, tests]) => ('*' in tests ? [file] : []));
