// A question as a program that asks exactly the same.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Question } from '../ask/turn.js';
import { address } from '../server/server.js';
import { settings } from '../settings/settings.js';
import { LANGUAGES, programFor, type Language } from '../show-as/programs.js';
import type { Api } from '../show-as/request-fields.js';
import { copyText } from './copy-text.js';
import { Dialog } from './dialog.js';
import { saveFile } from './save-file.js';

const API_NAMES = { native: 'Takeoff', openai: 'OpenAI' } as const;
const APIS = ['native', 'openai'] as const satisfies readonly Api[];

interface ShowAsProps {
  readonly question: Question;
  readonly onClose: () => void;
}

export const ShowAsDialog = ({ question, onClose }: ShowAsProps): JSX.Element => {
  const language = useSignal<Language>('curl');
  const api = useSignal<Api>('native');
  const { image } = question;
  const target = { address, needsKey: settings.value.apiKey !== '' };
  const program = programFor(language.value, api.value, question, target);
  return (
    <Dialog title="This question as a program" onClose={onClose}>
      <div class="tabs-row">
        <Choices
          names={LANGUAGES}
          labels={null}
          chosen={language.value}
          onChoose={(one) => (language.value = one)}
        />
        <Choices names={APIS} labels={API_NAMES} chosen={api.value} onChoose={(one) => (api.value = one)} />
      </div>
      <pre class="program" tabIndex={0}>
        {program}
      </pre>
      <div class="row">
        <button type="button" class="primary" onClick={() => copyText(program)}>
          Copy
        </button>
        {image === null ? null : (
          <button type="button" onClick={() => saveFile(image.name, image.blob)}>
            Save the image as it was sent
          </button>
        )}
      </div>
    </Dialog>
  );
};

interface ChoicesProps<Name extends string> {
  readonly names: readonly Name[];
  /** Null: each is its own. */
  readonly labels: Readonly<Record<Name, string>> | null;
  readonly chosen: Name;
  readonly onChoose: (name: Name) => void;
}

const Choices = <Name extends string>({
  names,
  labels,
  chosen,
  onChoose,
}: ChoicesProps<Name>): JSX.Element => (
  <div class="segments">
    {names.map((name) => (
      <button key={name} type="button" aria-pressed={name === chosen} onClick={() => onChoose(name)}>
        {labels?.[name] ?? name}
      </button>
    ))}
  </div>
);
