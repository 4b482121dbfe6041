// The icons of the page, drawn in the colour of the text around them. They say nothing that is not said in words too.
import type { JSX } from 'preact';

const PATHS = {
  add: 'M12 5v14M5 12h14',
  camera: 'M4 8h3l2-3h6l2 3h3v11H4zM12 17a4 4 0 1 0 0-8 4 4 0 0 0 0 8z',
  close: 'M6 6l12 12M18 6 6 18',
  code: 'm8 8-4 4 4 4m8-8 4 4-4 4',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  crop: 'M7 2v15h15M2 7h15v15',
  edit: 'M4 20h4L19 9l-4-4L4 16z',
  folder: 'M3 6h6l2 2h10v11H3z',
  history: 'M4 12a8 8 0 1 0 3-6.2L4 8m0-4v4h4M12 8v4l3 2',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01',
  out: 'M5 12h14',
  remove: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  retry: 'M20 12a8 8 0 1 1-3-6.2L20 8m0-4v4h-4',
  send: 'M5 12h14m-6-6 6 6-6 6',
  settings:
    'M4 7h9m4 0h3M4 17h3m4 0h9M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
  stop: 'M7 7h10v10H7z',
  theme: 'M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9z',
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name }: { readonly name: IconName }): JSX.Element => (
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    <path d={PATHS[name]} />
  </svg>
);

interface IconButtonProps {
  readonly icon: IconName;
  /** What it does, for people who do not see the icon, and as a tip for those who do. */
  readonly label: string;
  readonly onClick: () => void;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
}

export const IconButton = ({ icon, label, onClick, disabled, pressed }: IconButtonProps): JSX.Element => (
  <button
    type="button"
    class="icon-button"
    aria-label={label}
    title={label}
    disabled={disabled ?? false}
    {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
    onClick={onClick}
  >
    <Icon name={icon} />
  </button>
);
