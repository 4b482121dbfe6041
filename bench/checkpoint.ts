// `npm run bench`: measures a checkpoint on this machine, engine and server, and prints a table and JSON.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { benchHttp } from './macro/http.js';
import { benchUploads } from './macro/uploads.js';
import { KERNEL_CHOICES } from 'takeoff-server/model/kernels.js';
import { benchEngine } from './micro/engine.js';
import { benchKernels } from './micro/kernels.js';
import { benchProducts, LAYER_NAMES, PRODUCT_TYPES, type ProductsReport } from './micro/products.js';
import { printProducts } from './micro/products-table.js';
import { benchIntake } from './micro/intake.js';
import { repositoryRoot } from '../harness/running-server.js';
import { parseCount, parseName, parseNames } from './options.js';
import { printTable, reportHead, type Report } from './report.js';

const DEMO = path.join(repositoryRoot(), 'models/demo/');
const HELP = `npm run bench -- [options]
npm run bench -- kernels [options]   llama.cpp's kernels and ours in turns: a model, and single products
npm run bench -- link --help         readers behind Redis against readers that are children, in turns
npm run bench -- overhead --help     what a request costs around a model that answers at once
npm run bench -- serve --help        what many users do to this server, and to another one in turns
npm run bench -- endurance --help    everything that clients do, for half an hour, and what is left of it
npm run bench -- cluster --help      a thousand readers in simulated time
npm run bench -- gpu --help          a GPU, with a model that is written for it

  --model PATH        checkpoint folder or GGUF file (default: the demo model)
  --quant TYPE        type of the language model's weights (default: auto)
  --vision-quant TYPE type of the vision tower's weights (default: auto)
  --repository PATH   model cache to use; by default a conversion is kept nowhere
  --image FILE        image of the HTTP measurements (default: one of the demo model)
  --runs N            counted runs of each measurement (default: 5)
  --prompt N          prompt tokens of the prefill measurement (default: 512)
  --tokens N          tokens of the decode measurements (default: 64)
  --threads N         compute threads (default: one per core, for kernels one)
  --llama-lib-dir DIR llama.cpp libraries to use instead of the npm package's, for kernels and products beside them
  --kernels CHOICE    as the setting kernels (default: auto)
  --types LIST        types of single products, of q4_0, q4_k, q6_k, q8_0, f16, bf16, f32 (default: all)
  --shapes LIST       shapes of single products, of 1b, 7b, tower (default: all)
  --only LIST         of intake, uploads, engine, http (default: these), and kernels, products
  --json FILE         write the report as JSON
`;

const OPTIONS = {
  model: { type: 'string', default: `${DEMO}checkpoint` },
  quant: { type: 'string', default: 'auto' },
  'vision-quant': { type: 'string', default: 'auto' },
  repository: { type: 'string' },
  image: { type: 'string', default: `${DEMO}images/two-shapes.jpg` },
  runs: { type: 'string', default: '5' },
  prompt: { type: 'string', default: '512' },
  tokens: { type: 'string', default: '64' },
  threads: { type: 'string' },
  kernels: { type: 'string', default: 'auto' },
  'llama-lib-dir': { type: 'string' },
  types: { type: 'string', default: PRODUCT_TYPES.join(',') },
  shapes: { type: 'string', default: LAYER_NAMES.join(',') },
  only: { type: 'string', default: 'intake,uploads,engine,http' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

const PARTS = ['intake', 'uploads', 'engine', 'http', 'kernels', 'products'] as const;

type Options = ReturnType<typeof parseOptions>;
const parseOptions = (args: readonly string[]) => parseArgs({ args: [...args], options: OPTIONS }).values;

export async function benchCheckpoint(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(HELP);
    return;
  }
  const report = await measure(options);
  const products = report.products === undefined ? '' : `${printProducts(report.products)}\n\n`;
  process.stdout.write(`${printTable(report)}\n\n${products}${JSON.stringify(report, null, 2)}\n`);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
}

async function measure(values: Options): Promise<Report> {
  const { model, quant, image } = values;
  const runs = parseCount('--runs', values.runs);
  const newTokens = parseCount('--tokens', values.tokens);
  const visionQuantType = values['vision-quant'];
  const repositoryPath = values.repository ?? null;
  const parts = parseNames('--only', values.only, PARTS);
  const intake = parts.includes('intake') ? await benchIntake(runs) : [];
  const uploads = parts.includes('uploads') ? await benchUploads(runs) : [];
  const shared = { model, quantType: quant, visionQuantType, repositoryPath, runs, newTokens };
  const inProcess = () => ({
    ...shared,
    promptRows: parseCount('--prompt', values.prompt),
    kernels: parseName('--kernels', values.kernels, KERNEL_CHOICES),
  });
  const engine = parts.includes('engine')
    ? await benchEngine({
        ...inProcess(),
        threads: threadsOf(values),
        llamaLibDir: values['llama-lib-dir'] ?? null,
      })
    : [];
  const kernels = parts.includes('kernels')
    ? await benchKernels({
        ...inProcess(),
        threads: threadsOf(values) ?? 1,
        llamaLibDir: values['llama-lib-dir'] ?? null,
      })
    : [];
  const products = parts.includes('products') ? { products: await measureProducts(values) } : {};
  const overHttp = { ...shared, image };
  const http = parts.includes('http') ? await benchHttp(overHttp) : [];
  return {
    ...reportHead(model, `${quant}, tower ${visionQuantType}`),
    measurements: [...intake, ...uploads, ...engine, ...kernels, ...http],
    ...products,
  };
}

const measureProducts = (values: Options): Promise<ProductsReport> =>
  benchProducts({
    threads: threadsOf(values),
    kernels: parseName('--kernels', values.kernels, KERNEL_CHOICES),
    llamaLibDir: values['llama-lib-dir'] ?? null,
    runs: parseCount('--runs', values.runs),
    types: parseNames('--types', values.types.toUpperCase(), PRODUCT_TYPES),
    layers: parseNames('--shapes', values.shapes, LAYER_NAMES),
  });

function threadsOf({ threads }: Options): number | null {
  return threads === undefined ? null : parseCount('--threads', threads);
}
