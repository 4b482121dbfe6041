// The package's own declarations describe the raw functions of libheif only.
declare module 'libheif-js/wasm-bundle.js' {
  // eslint-disable-next-line @typescript-eslint/consistent-type-imports -- an ambient module may import nothing relative
  const libheif: import('./decode-heic.js').Libheif;
  export = libheif;
}
