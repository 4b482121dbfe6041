// The import arrows of eslint.config.js must fire: a resolver that finds no file lets every import through, without a word.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint, type Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** Without the rules that need types: loading those of the whole repository takes half a minute. */
const eslint = new ESLint({
  cwd: root,
  overrideConfig: tseslint.configs.disableTypeChecked as Linter.Config,
});

/** Rules that `line` breaks where it stands in the file. */
async function brokenBy(line: string, file: string): Promise<(string | null)[]> {
  const [result] = await eslint.lintText(line, { filePath: path.join(root, file) });
  return (result?.messages ?? []).map(({ ruleId }) => ruleId);
}

const ARROW = 'import-x/no-restricted-paths';

it.each([
  ['server/src/gateway/stop-on-signals.ts', '../reader/loop.js'],
  ['server/src/reader/loop.ts', '../gateway/gateway.js'],
  ['server/src/checkpoint/files/byte-source.ts', '../../link/messages.js'],
  ['server/src/gateway/answer/relay.ts', '../readers/supervisor.js'],
  ['server/src/gateway/readers/supervisor.ts', '../answer/relay.js'],
  ['server/src/gateway/http/app.ts', '../readers/supervisor.js'],
  ['server/src/gateway/gateway.ts', '../../../playground/src/view/view.js'],
  ['playground/src/view/app.tsx', '../../../server/src/errors.js'],
])(
  '%s may not import %s',
  async (file, imported) => {
    expect(await brokenBy(`export * from '${imported}';`, file)).toContain(ARROW);
  },
  60_000,
);

it('lets the implementation of a port import the port', async () => {
  const line = `export * from '../answer/consumer-group.js';`;
  expect(await brokenBy(line, 'server/src/gateway/readers/supervisor.ts')).not.toContain(ARROW);
}, 60_000);
