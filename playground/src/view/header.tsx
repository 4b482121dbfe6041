// Name, model and the ways to everything that is not the image and its questions.
import type { JSX } from 'preact';
import { ServerState } from './server-state.js';

export const Header = (): JSX.Element => (
  <header class="header">
    <h1>Takeoff</h1>
    <ServerState />
  </header>
);
