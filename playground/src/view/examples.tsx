// The first answer is one click away: about an example, or about the image that a person has brought.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { ask, image, takeImage } from '../ask/conversation.js';
import { EXAMPLES, type Example } from '../image/examples.js';

export const Examples = (): JSX.Element => {
  // The image of an example is on the page a moment before the question about it.
  const isTrying = useSignal(false);
  const onTry = (example: Example): void => {
    isTrying.value = true;
    void tryExample(example).finally(() => (isTrying.value = false));
  };
  return image.value === null || isTrying.value ? <Offered onTry={onTry} /> : <OwnImage />;
};

const Offered = ({ onTry }: { readonly onTry: (example: Example) => void }): JSX.Element => (
  <section class="examples" aria-labelledby="examples-title">
    <h2 id="examples-title">Ask about an image</h2>
    <p>Bring one of your own, or try one of these.</p>
    <ul>
      {EXAMPLES.map((example) => (
        <li key={example.name}>
          <button type="button" class="example" onClick={() => onTry(example)}>
            <img src={example.url} alt="" loading="lazy" />
            <span>{example.question}</span>
          </button>
        </li>
      ))}
    </ul>
  </section>
);

/** Fits every image. */
const FIRST_QUESTION = 'Describe the image.';

const OwnImage = (): JSX.Element => (
  <section class="examples" aria-labelledby="examples-title">
    <h2 id="examples-title">Ask about this image</h2>
    <p>Type a question, or begin with this one.</p>
    <ul>
      <li>
        <button type="button" onClick={() => void ask(FIRST_QUESTION)}>
          {FIRST_QUESTION}
        </button>
      </li>
    </ul>
  </section>
);

async function tryExample({ url, name, question }: Example): Promise<void> {
  const response = await fetch(url);
  await takeImage(await response.blob(), name);
  await ask(question);
}
