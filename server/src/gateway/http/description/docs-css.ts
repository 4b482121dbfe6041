// The style of /docs, as text in the program because the page is made by the program: there is no file of it to serve.

export const DOCS_CSS = `
:root { color-scheme: light dark; --line: light-dark(#d9dce1, #3a3f47); --soft: light-dark(#f5f6f8, #22262c);
  --weak: light-dark(#5a6270, #a2a9b4); --accent: light-dark(#1f5fbf, #7eb0ff); --bad: light-dark(#a33a2a, #ff9f8f); }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: minmax(0, 1fr); }
a { color: var(--accent); }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
code { overflow-wrap: anywhere; }
nav { padding: 1rem 1.25rem; background: var(--soft); border-bottom: 1px solid var(--line); }
nav ul { list-style: none; margin: 0; padding: 0; }
nav li { overflow-wrap: anywhere; }
nav h2 { font-size: 0.85rem; margin: 0.9rem 0 0.2rem; color: var(--weak); }
main { padding: 1rem 1.5rem 4rem; max-width: 62rem; }
h1 { margin: 0 0 0.25rem; font-size: 1.5rem; }
section { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1rem; }
section > h2 { margin: 0; font-size: 1.1rem; overflow-wrap: anywhere; }
section > h2 b { color: var(--accent); margin-right: 0.4rem; }
h3 { font-size: 0.95rem; margin: 1.2rem 0 0.3rem; }
.weak { color: var(--weak); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem 0.3rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: normal; white-space: nowrap; }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: 0.6rem 0.8rem; margin: 0.4rem 0;
  overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
details { margin: 0.4rem 0; }
summary { cursor: pointer; }
.status { font-weight: 600; }
.status.bad { color: var(--bad); }
@media (min-width: 60rem) {
  body { grid-template-columns: 18rem minmax(0, 1fr); }
  nav { position: sticky; top: 0; height: 100vh; overflow: auto; border: 0; border-right: 1px solid var(--line); }
}
`;
