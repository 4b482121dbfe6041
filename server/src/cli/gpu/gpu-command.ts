// `takeoff gpu` with its two subcommands: names, flags and help. What they do is imported when they run.
import { Argument, Command } from 'commander';
import { loadConfig } from '../../config/load-config.js';
import { GPU_BACKENDS, type GpuBackend } from '../../model/device.js';
import { cancelOnSignals } from '../cancel-on-signals.js';
import { addSettingFlags, settingsWith, typedFlags } from '../setting-flags.js';
import type { Terminal } from '../terminal.js';
import type { GpuPlaces } from './gpu.js';

const SETTINGS = settingsWith('repository_path', 'llama_lib_dir');

const backend = () =>
  new Argument(
    '[backend]',
    'what the card is reached through: vulkan needs its driver alone, cuda the CUDA runtime too',
  ).choices(GPU_BACKENDS);

interface Flags {
  readonly config?: string;
  readonly json?: boolean;
}

function placesOf(command: Command, { config }: Flags): GpuPlaces {
  const { server } = loadConfig({ flags: typedFlags(command, SETTINGS), configFile: config });
  return { libDir: server.llamaLibDir, repositoryPath: server.repositoryPath };
}

const withPlaces = (command: Command): Command => {
  addSettingFlags(command, SETTINGS);
  return command.option('--config <file>', 'configuration file');
};

export function gpuCommand(terminal: Terminal): Command {
  const show = withPlaces(
    new Command('show').description('Prints devices, their memory, and packages.'),
  ).option('--json', 'print JSON');
  show.action(async (flags: Flags) => {
    const { showGpus } = await import('./gpu.js');
    await showGpus(placesOf(show, flags), flags.json === true, terminal);
  });
  const install = withPlaces(
    new Command('install').description(
      "Fetches llama.cpp for a GPU with this user's npm, beside the model cache.",
    ),
  ).addArgument(backend());
  install.action(async (wanted: GpuBackend | undefined, flags: Flags) => {
    const { installGpu } = await import('./gpu.js');
    using cancellation = cancelOnSignals();
    await installGpu(wanted, placesOf(install, flags), cancellation.signal, terminal);
  });
  const remove = withPlaces(
    new Command('remove').description('Removes what install has fetched, for one backend or for all.'),
  ).addArgument(backend());
  remove.action(async (wanted: GpuBackend | undefined, flags: Flags) => {
    const { removeGpu } = await import('./gpu.js');
    await removeGpu(wanted, placesOf(remove, flags), terminal);
  });
  const command = new Command('gpu').description('Shows GPUs; installs and removes what they need.');
  for (const each of [install, remove]) command.addCommand(each);
  return command.addCommand(show, { isDefault: true });
}
