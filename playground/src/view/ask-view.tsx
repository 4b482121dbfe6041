// One image, and the questions about it.
import type { JSX } from 'preact';
import { takeImage, turns } from '../ask/conversation.js';
import { Composer } from './composer.js';
import { Examples } from './examples.js';
import { firstImageOf } from './files-of.js';
import { ImagePanel } from './image-panel.js';
import { TurnView } from './turn-view.js';

export const AskView = (): JSX.Element => (
  <main
    class="ask"
    onDragOver={(event) => event.preventDefault()}
    onDrop={(event) => {
      event.preventDefault();
      const file = firstImageOf(event.dataTransfer);
      if (file !== null) void takeImage(file, file.name);
    }}
  >
    <ImagePanel />
    <section class="conversation" aria-label="Questions and answers">
      <div class="turns" role="log" aria-label="Answers" tabIndex={0}>
        {turns.value.length === 0 ? (
          <Examples />
        ) : (
          turns.value.map((turn) => <TurnView key={turn.id} turn={turn} />)
        )}
      </div>
      <Composer />
    </section>
  </main>
);
