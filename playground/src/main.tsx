// Starts the page.
import { render } from 'preact';
import { isAnswering } from './ask/conversation.js';
import { followImageCost } from './server/image-cost.js';
import { keepConversations } from './history/keep-conversations.js';
import { prepareAhead } from './ask/prepare-ahead.js';
import { followWaits } from './ask/wait-updates.js';
import { watchStatus } from './server/server.js';
import { keepSettings } from './settings/settings.js';
import { App } from './view/app.js';

keepSettings();
watchStatus(() => isAnswering.value);
followWaits();
prepareAhead();
followImageCost();
keepConversations();
const page = document.getElementById('page');
if (page !== null) render(<App />, page);
