// The command line: names, flags and help of all commands. What a command does is imported when it runs, so that serving
// never loads native code into the gateway and help appears at once.
import { Command } from 'commander';
import { loadConfig } from '../config/load-config.js';
import { READER_SETTINGS } from '../config/reader-settings.js';
import { SERVER_SETTINGS } from '../config/server-settings.js';
import { addSettingFlags, typedFlags } from './setting-flags.js';
import type { Terminal } from './terminal.js';
import { readVersion } from './version.js';

const ALL_SETTINGS = [...SERVER_SETTINGS, ...READER_SETTINGS];

export function createProgram(terminal: Terminal): Command {
  const program = new Command('takeoff')
    .description('Serves LLaVA models over the Takeoff HTTP API.')
    .version(readVersion())
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .exitOverride()
    .showHelpAfterError('(takeoff --help lists the commands)');
  for (const command of [doctorCommand(terminal)]) {
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

function doctorCommand(terminal: Terminal): Command {
  const settings = ALL_SETTINGS.filter(({ facts }) => ['llama_lib_dir', 'device'].includes(facts.key));
  const command = new Command('doctor')
    .description('Prints what the native side finds: libraries, processor, devices, memory, threads.')
    .option('--config <file>', 'configuration file')
    .option('--json', 'print JSON');
  addSettingFlags(command, settings);
  return command.action(async (options: { config?: string; json?: boolean }) => {
    const { server, readers } = loadConfig({
      flags: typedFlags(command, settings),
      configFile: options.config,
    });
    const { doctor } = await import('./doctor.js');
    const device = readers[0]?.device ?? 'cpu';
    doctor({ libDir: server.llamaLibDir, device, isJson: options.json === true }, terminal);
  });
}
