// The first answer is one click away.
import type { JSX } from 'preact';
import { ask, takeImage } from '../ask/conversation.js';
import { EXAMPLES, type Example } from '../image/examples.js';

export const Examples = (): JSX.Element => (
  <section class="examples" aria-labelledby="examples-title">
    <h2 id="examples-title">Ask about an image</h2>
    <p>Bring one of your own, or try one of these.</p>
    <ul>
      {EXAMPLES.map((example) => (
        <li key={example.name}>
          <button type="button" class="example" onClick={() => void tryExample(example)}>
            <img src={example.url} alt="" loading="lazy" />
            <span>{example.question}</span>
          </button>
        </li>
      ))}
    </ul>
  </section>
);

async function tryExample({ url, name, question }: Example): Promise<void> {
  const response = await fetch(url);
  await takeImage(await response.blob(), name);
  await ask(question);
}
