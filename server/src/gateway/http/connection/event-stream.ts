// Streams of server-sent events.
import { encodeSseComment } from 'takeoff-wire';
import type { StreamForm } from './answer-format.js';

const STILL_WORKING = encodeSseComment('still working');

export const EVENT_STREAM: StreamForm = {
  contentType: 'text/event-stream; charset=utf-8',
  stillWorking: () => STILL_WORKING,
};
