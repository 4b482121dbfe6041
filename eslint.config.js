// Type-aware lint for all workspaces. The import zones below are the arrows of ARCHITECTURE.md: breaking one fails `npm test`.
import prettier from 'eslint-config-prettier';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const S = './server/src';
/** `target` may not import `from`, but for the files `except`, relative to it. */
const arrow = (target, from, message, except = []) => ({ target, from, message, except });

const zones = [
  arrow(
    './wire',
    ['./server', './client', './playground', './bench', './harness'],
    'wire stands on nothing.',
  ),
  arrow('./client', ['./server', './playground', './bench', './harness'], 'client stands on wire only.'),
  arrow('./playground', ['./server', './bench', './harness'], 'The page stands on wire and client only.'),
  arrow('./server', ['./playground'], 'The server reads the built page and knows nothing of its code.'),
  arrow(
    `${S}/gateway`,
    [`${S}/reader`, `${S}/native`, `${S}/checkpoint`, `${S}/cli`],
    'The gateway reaches readers only through link.',
  ),
  arrow(
    `${S}/gateway/answer`,
    [`${S}/gateway/readers`, `${S}/gateway/remote`, `${S}/gateway/http`],
    'The request path knows consumer groups, not who implements them.',
  ),
  arrow(`${S}/gateway/readers`, `${S}/gateway/answer`, 'Of the request path, readers know its port.', [
    './consumer-group.ts',
    './reader-questions.ts',
    './vision-waiters.ts',
  ]),
  arrow(`${S}/gateway/remote`, `${S}/gateway/answer`, 'Of the request path, remote readers know its port.', [
    './consumer-group.ts',
    './reader-questions.ts',
    './vision-waiters.ts',
  ]),
  arrow(`${S}/gateway/remote`, `${S}/gateway/http`, 'Readers know nothing of HTTP.'),
  arrow(`${S}/gateway/readers`, `${S}/gateway/http`, 'Readers know nothing of HTTP.'),
  arrow(`${S}/gateway/http`, `${S}/gateway/remote`, 'HTTP does not know where readers are.'),
  arrow(
    `${S}/gateway/http`,
    `${S}/gateway/readers`,
    'HTTP sees the state of readers; requests go through answer/.',
    ['./readers-view.ts', './reader-administration.ts'],
  ),
  arrow(
    `${S}/reader`,
    [`${S}/gateway`, `${S}/cli`, `${S}/config`],
    'A reader knows nothing of the gateway; link carries what it needs.',
  ),
  arrow(
    `${S}/checkpoint`,
    [`${S}/gateway`, `${S}/reader`, `${S}/cli`, `${S}/link`, `${S}/config`],
    'Offline work never imports online work.',
  ),
  arrow(
    `${S}/native`,
    [`${S}/gateway`, `${S}/reader`, `${S}/cli`, `${S}/link`, `${S}/config`, `${S}/checkpoint`],
    'native stands below everything.',
  ),
  arrow(
    `${S}/link`,
    [`${S}/gateway`, `${S}/reader`, `${S}/native`, `${S}/checkpoint`, `${S}/cli`, `${S}/config`],
    'link carries messages and knows neither end.',
  ),
  arrow(
    `${S}/image`,
    [`${S}/gateway`, `${S}/reader`, `${S}/native`, `${S}/checkpoint`, `${S}/cli`, `${S}/config`, `${S}/link`],
    'image is pure arithmetic.',
  ),
  arrow(
    `${S}/model`,
    [`${S}/gateway`, `${S}/reader`, `${S}/native`, `${S}/checkpoint`, `${S}/cli`, `${S}/config`, `${S}/link`],
    'model holds types and pure facts only.',
  ),
  arrow(
    `${S}/config`,
    [`${S}/gateway`, `${S}/reader`, `${S}/native`, `${S}/checkpoint`, `${S}/cli`, `${S}/link`],
    'config knows nobody.',
  ),
];

const NATIVE_PACKAGES = [
  { name: 'koffi', message: 'Only native/ talks to C.' },
  { name: 'sharp', message: 'Only children that decode import sharp.' },
];

export default tseslint.config(
  { ignores: ['**/dist/**', 'node_modules/**', 'models/**', 'test/goldens/**'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked, prettier],
    plugins: { 'import-x': importX },
    languageOptions: {
      parserOptions: { project: './tsconfig.lint.json', tsconfigRootDir: import.meta.dirname },
    },
    settings: {
      // Imports name the compiled file. Without the alias none of them would be found, and no arrow would hold.
      'import-x/resolver-next': [createNodeResolver({ extensionAlias: { '.js': ['.ts', '.tsx', '.js'] } })],
      'import-x/extensions': ['.ts', '.tsx'],
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-default-export': 'error',
      'no-restricted-imports': [
        'error',
        {
          paths: [
            ...NATIVE_PACKAGES,
            { name: 'takeoff-client', message: 'Only the command line asks servers.' },
            { name: 'undici', message: 'Only the command line asks servers.' },
          ],
        },
      ],
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only config/ reads the environment.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "ThrowStatement > NewExpression[callee.name='Error']",
          message: 'Throw a class of errors.ts with a code.',
        },
      ],
      'max-lines': ['error', { max: 400, skipBlankLines: false, skipComments: false }],
      'max-lines-per-function': ['warn', { max: 70, skipComments: true, skipBlankLines: true }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/prefer-nullish-coalescing': ['error', { ignorePrimitives: { boolean: true } }],
      '@typescript-eslint/dot-notation': 'off',
    },
  },
  {
    files: [`server/src/native/**/*.ts`],
    rules: {
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/consistent-type-assertions': 'off',
    },
  },
  // Tables, one line a symbol.
  { files: ['server/src/native/symbols/**/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  // The page has the types of browsers, and a project of its own for that.
  {
    files: ['playground/src/**/*.ts', 'playground/src/**/*.tsx'],
    languageOptions: {
      parserOptions: { project: './playground/tsconfig.json', tsconfigRootDir: import.meta.dirname },
    },
  },
  // Here because of takeoff-client and undici; the two others stay where they are.
  {
    files: ['server/src/cli/**/*.ts', 'playground/src/**/*.ts', 'playground/src/**/*.tsx'],
    rules: { 'no-restricted-imports': ['error', { paths: NATIVE_PACKAGES }] },
  },
  {
    files: ['server/src/gateway/intake/decoder/**/*.ts', 'server/src/cli/describe/convert/child/**/*.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  { files: ['server/src/config/**/*.ts'], rules: { 'no-restricted-properties': 'off' } },
  // Fixtures put together what the program keeps apart.
  { files: ['**/*.fixture.ts'], rules: { 'import-x/no-restricted-paths': 'off' } },
  // A stand-in for something asynchronous often has nothing to wait for; `async` still makes its exceptions rejections.
  {
    files: ['**/*.test.ts', '**/*.fixture.ts', 'test/**/*.ts'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts', 'bench/**/*.ts', 'harness/**/*.ts', '*.config.ts'],
    rules: {
      'max-lines': 'off',
      'max-lines-per-function': 'off',
      'no-restricted-imports': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-syntax': 'off',
      'import-x/no-default-export': 'off',
      'import-x/no-restricted-paths': 'off',
      '@typescript-eslint/consistent-type-assertions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
);
