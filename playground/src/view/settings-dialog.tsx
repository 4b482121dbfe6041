// Everything about a request that is neither the image nor the question.
import type { JSX } from 'preact';
import { addressee, groups, loras } from '../server/server.js';
import {
  NUMBER_NAMES,
  NUMBER_SETTINGS,
  numberProblem,
  schemaProblem,
  STANDARD_SETTINGS,
  type NumberName,
  type Settings,
} from '../settings/request-options.js';
import { changeSettings, settings } from '../settings/settings.js';
import { SHRINK_ABOVE_PX } from '../image/plan-upload.js';
import { Dialog } from './dialog.js';
import { RenderedPrompt } from './rendered-prompt.js';

export const SettingsDialog = ({ onClose }: { readonly onClose: () => void }): JSX.Element => (
  <Dialog title="Settings" onClose={onClose}>
    <div class="settings">
      <Group />
      <Adapter />
      <Check name="useChatTemplate" label="Put questions into the model's chat template" />
      <RenderedPrompt />
      <fieldset class="numbers">
        <legend>Sampling and length</legend>
        {NUMBER_NAMES.map((name) => (
          <NumberField key={name} name={name} />
        ))}
      </fieldset>
      <Schema />
      <Check name="keepsOriginals" label={`Send images as they are, also above ${SHRINK_ABOVE_PX} pixels`} />
      <Key />
      <Theme />
      <button
        type="button"
        onClick={() => changeSettings({ ...STANDARD_SETTINGS, apiKey: settings.value.apiKey })}
      >
        Back to the defaults
      </button>
    </div>
  </Dialog>
);

const Group = (): JSX.Element | null =>
  groups.value.length < 2 ? null : (
    <label class="field">
      Consumer group
      <select
        value={settings.value.consumerGroup}
        onChange={({ currentTarget }) => changeSettings({ consumerGroup: currentTarget.value })}
      >
        <option value="">the default</option>
        {groups.value.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );

const Adapter = (): JSX.Element | null =>
  loras.value.length === 0 ? null : (
    <label class="field">
      LoRA adapter
      <select
        value={addressee.value.lora}
        onChange={({ currentTarget }) => changeSettings({ loraId: currentTarget.value })}
      >
        <option value="">none: the model as it is</option>
        {loras.value.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );

interface CheckProps {
  readonly name: 'useChatTemplate' | 'keepsOriginals';
  readonly label: string;
}

const Check = ({ name, label }: CheckProps): JSX.Element => (
  <label class="check">
    <input
      type="checkbox"
      checked={settings.value[name]}
      onChange={({ currentTarget }) => changeSettings({ [name]: currentTarget.checked })}
    />
    {label}
  </label>
);

const NumberField = ({ name }: { readonly name: NumberName }): JSX.Element => {
  const { label, help, standard } = NUMBER_SETTINGS[name];
  const typed = settings.value.numbers[name];
  return (
    <label class="field">
      {label}
      <input
        inputMode="decimal"
        value={typed}
        placeholder={standard}
        aria-invalid={numberProblem(name, typed) !== undefined}
        onInput={({ currentTarget }) =>
          changeSettings({ numbers: { ...settings.value.numbers, [name]: currentTarget.value } })
        }
      />
      <Hint problem={numberProblem(name, typed)} help={help} />
    </label>
  );
};

const Hint = (props: { readonly problem: string | undefined; readonly help: string }): JSX.Element => (
  <small class={props.problem === undefined ? 'quiet' : 'refusal'}>{props.problem ?? props.help}</small>
);

const Schema = (): JSX.Element => {
  const { jsonSchema } = settings.value;
  return (
    <label class="field">
      JSON schema of the answer
      <textarea
        rows={4}
        spellcheck={false}
        class="code"
        value={jsonSchema}
        placeholder='{"type": "object"}'
        aria-invalid={schemaProblem(jsonSchema) !== undefined}
        onInput={({ currentTarget }) => changeSettings({ jsonSchema: currentTarget.value })}
      />
      <Hint problem={schemaProblem(jsonSchema)} help="answers are JSON that it allows" />
    </label>
  );
};

/** In a form of its own, as browsers and their keepers of passwords expect it. */
const Key = (): JSX.Element => (
  <form onSubmit={(event) => event.preventDefault()}>
    <label class="field">
      API key
      <input
        type="password"
        autocomplete="off"
        value={settings.value.apiKey}
        onInput={({ currentTarget }) => changeSettings({ apiKey: currentTarget.value.trim() })}
      />
      <small class="quiet">kept until this tab is closed</small>
    </label>
  </form>
);

const THEMES = {
  system: 'As the system',
  light: 'Light',
  dark: 'Dark',
} as const satisfies Record<Settings['theme'], string>;
const THEME_NAMES = ['system', 'light', 'dark'] as const;

const Theme = (): JSX.Element => (
  <fieldset class="choices">
    <legend>Colours</legend>
    {THEME_NAMES.map((theme) => (
      <label key={theme} class="check">
        <input
          type="radio"
          name="theme"
          checked={settings.value.theme === theme}
          onChange={() => changeSettings({ theme })}
        />
        {THEMES[theme]}
      </label>
    ))}
  </fieldset>
);
