// The flags of `takeoff generate`.
import { text as readAll } from 'node:stream/consumers';
import { Command } from 'commander';
import { loadConfig } from '../../config/load-config.js';
import { addRequestFlags, requestFields, type RequestFlags } from '../asking/request-flags.js';
import { ASKING_SETTINGS, addServerFlags, serverChoice, type ServerFlags } from '../asking/server-flags.js';
import { cancelOnSignals } from '../cancel-on-signals.js';
import { typedFlags } from '../setting-flags.js';
import type { Terminal } from '../terminal.js';

interface GenerateFlags extends RequestFlags, ServerFlags {
  readonly image?: string;
  readonly json?: boolean;
}

export function generateCommand(terminal: Terminal): Command {
  const command = new Command('generate')
    .description(
      'Answers one prompt, with or without an image.\n\n' +
        'Asks the server of --url, or the one that runs on this machine, or starts one for the answer (--model).',
    )
    .argument('<prompt>', 'the prompt, or - to read it from standard input')
    .option('--image <file>', 'an image, which the model sees at the start of the prompt')
    .option('--json', 'print the answer as JSON, with token counts and times');
  addRequestFlags(command);
  addServerFlags(command);
  return command.action(async (prompt: string, flags: GenerateFlags) => {
    const config = loadConfig({ flags: typedFlags(command, ASKING_SETTINGS), configFile: flags.config });
    const { generate } = await import('./generate.js');
    using cancellation = cancelOnSignals();
    await generate(
      {
        prompt: prompt === '-' ? await readAll(process.stdin) : prompt,
        image: flags.image,
        fields: requestFields(flags),
        server: serverChoice(flags, config),
        isJson: flags.json === true,
        signal: cancellation.signal,
      },
      terminal,
    );
  });
}
