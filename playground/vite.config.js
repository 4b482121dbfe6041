// How the page is built: relative addresses, so that it works below any path of a proxy; every file with a hash in its name;
// nothing inside the document that a strict content security policy would refuse.
export default {
  base: './',
  publicDir: false,
  build: {
    outDir: 'dist/page',
    target: 'es2022',
    // Data addresses are refused by the policy.
    assetsInlineLimit: 0,
    // The browsers that run the page know preloading; the helper for others would be one more script.
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
  },
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  worker: { format: 'es' },
};
