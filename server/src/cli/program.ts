// The command line: names, flags and help of all commands. What a command does is imported when it runs, so that serving
// never loads native code into the gateway and help appears at once.
import { Command, Option } from 'commander';
import { DEFAULT_CONSUMER_GROUP } from 'takeoff-wire';
import { loadConfig } from '../config/load-config.js';
import { printConfig } from '../config/print-config.js';
import { TEXT_QUANT_CHOICES, TOWER_QUANT_CHOICES } from '../model/quantisation.js';
import { describeCommand } from './describe/describe-command.js';
import { toRedisSettings } from './gateway-config.js';
import { gpuCommand } from './gpu/gpu-command.js';
import { generateCommand } from './generate/generate-command.js';
import { HUB_KEYS } from './hub-keys.js';
import { addSettingFlags, ALL_SETTINGS, settingsWith, typedFlags } from './setting-flags.js';
import { cancelOnSignals } from './cancel-on-signals.js';
import type { Terminal } from './terminal.js';
import { readVersion } from './version.js';

export function createProgram(terminal: Terminal): Command {
  const program = new Command('takeoff')
    .description('Serves LLaVA models over the Takeoff HTTP API.')
    .version(readVersion())
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .exitOverride()
    .showHelpAfterError('(takeoff --help lists the commands)');
  const commands = [
    serveCommand,
    describeCommand,
    generateCommand,
    convertCommand,
    inspectCommand,
    doctorCommand,
    gpuCommand,
  ];
  for (const make of commands) {
    const command = make(terminal);
    program.addCommand(command.copyInheritedSettings(program));
  }
  return program;
}

function serveCommand(terminal: Terminal): Command {
  const command = new Command('serve')
    .description('Serves a model over HTTP; the demo model if none is named.')
    .option('--config <file>', 'configuration file')
    .option('--print-config', 'print what the settings come to, secrets hidden, and end');
  addSettingFlags(command, ALL_SETTINGS);
  return command.action(async (flags: { config?: string; printConfig?: boolean }) => {
    const config = loadConfig({ flags: typedFlags(command, ALL_SETTINGS), configFile: flags.config });
    if (flags.printConfig === true) {
      for (const warning of config.warnings) terminal.err(`warning: ${warning}\n`);
      terminal.out(`${printConfig(config)}\n`);
      return;
    }
    if (config.server.headless) {
      const { serveHeadless } = await import('./serve-headless.js');
      await serveHeadless(config, terminal);
      return;
    }
    const { serve } = await import('./serve.js');
    await serve(config, terminal);
  });
}

interface ConvertFlags {
  readonly config?: string;
  readonly quant?: string;
  readonly visionQuant?: string;
  readonly out?: string;
  readonly json?: boolean;
}

function convertCommand(terminal: Terminal): Command {
  const settings = settingsWith(...HUB_KEYS, 'llama_lib_dir');
  const command = new Command('convert')
    .description('Converts a LLaVA checkpoint to a GGUF pair: language model and vision tower.')
    .argument('<source>', 'folder of a checkpoint, or owner/name of the model hub')
    .addOption(
      new Option('--quant <type>', "type of the language model's weights")
        .choices(TEXT_QUANT_CHOICES)
        .default('auto'),
    )
    .addOption(
      new Option('--vision-quant <type>', "type of the vision tower's weights")
        .choices(TOWER_QUANT_CHOICES)
        .default('auto'),
    )
    .option('--out <folder>', 'folder for the pair (default: the model cache)')
    .option('--config <file>', 'configuration file')
    .option('--json', 'print the paths as JSON');
  addSettingFlags(command, settings);
  return command.action(async (source: string, flags: ConvertFlags) => {
    const { server } = loadConfig({ flags: typedFlags(command, settings), configFile: flags.config });
    const { convert } = await import('./convert.js');
    using cancellation = cancelOnSignals();
    await convert(
      {
        source,
        quantType: flags.quant ?? 'auto',
        visionQuantType: flags.visionQuant ?? 'auto',
        outDir: flags.out ?? null,
        hub: server,
        libDir: server.llamaLibDir,
        isJson: flags.json === true,
        signal: cancellation.signal,
      },
      terminal,
    );
  });
}

function inspectCommand(terminal: Terminal): Command {
  const settings = settingsWith(...HUB_KEYS, 'projector_file');
  const command = new Command('inspect')
    .description('Prints what a model is, what it needs, and everything that keeps it from being served.')
    .argument(
      '<source>',
      'folder of a checkpoint, GGUF file, or owner/name of the model hub (downloaded first)',
    )
    .option('--config <file>', 'configuration file')
    .option('--json', 'print JSON');
  addSettingFlags(command, settings);
  return command.action(async (source: string, flags: { config?: string; json?: boolean }) => {
    const { server, readers } = loadConfig({
      flags: typedFlags(command, settings),
      configFile: flags.config,
    });
    const projectorFile = readers[0]?.projectorFile ?? null;
    const { inspect } = await import('./inspect.js');
    using cancellation = cancelOnSignals();
    const { signal } = cancellation;
    await inspect({ source, projectorFile, hub: server, isJson: flags.json === true, signal }, terminal);
  });
}

function doctorCommand(terminal: Terminal): Command {
  const redisKeys = ['redis_url', 'redis_ca', 'redis_cert', 'redis_key'];
  const settings = settingsWith('llama_lib_dir', 'device', 'repository_path', 'consumer_group', ...redisKeys);
  const command = new Command('doctor')
    .description('Prints what the native side finds: libraries, processor, devices, memory, threads.')
    .option('--redis', 'look at the Redis of redis_url instead')
    .option('--config <file>', 'configuration file')
    .option('--json', 'print JSON');
  addSettingFlags(command, settings);
  return command.action(async (options: { redis?: boolean; config?: string; json?: boolean }) => {
    const { server, readers } = loadConfig({
      flags: typedFlags(command, settings),
      configFile: options.config,
    });
    if (options.redis === true) {
      const { doctorRedis } = await import('./doctor-redis.js');
      const redis = toRedisSettings(server);
      const consumerGroup = readers[0]?.consumerGroups[0] ?? DEFAULT_CONSUMER_GROUP;
      await doctorRedis({ redis, consumerGroup, isJson: options.json === true }, terminal);
      return;
    }
    const { doctor } = await import('./doctor.js');
    const { llamaLibDir: libDir, repositoryPath } = server;
    const wanted = readers[0]?.device ?? 'auto';
    // What a machine offers does not depend on a cluster.
    const device = wanted === 'api' ? 'auto' : wanted;
    await doctor({ libDir, device, repositoryPath, isJson: options.json === true }, terminal);
  });
}
