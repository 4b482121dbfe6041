// Requests of the native API and what the demo model answers: test/description/demo-answers.test.ts sends each of them.
import type { Example } from '../description/operation.js';

export const TEXT_ONLY: Example = {
  name: 'A question, in the chat format of the model',
  body: { text: 'What is in the image?', use_chat_template: true, max_new_tokens: 16 },
  answer: { text: 'I do not see a picture.' },
};

export const NO_TEXT: Example = {
  name: 'A request without a prompt',
  body: { max_new_tokens: 8 },
  status: 422,
  answer: {
    error: {
      code: 'request.wrong_shape',
      message: 'The field text is missing; it must be a string or a list of strings.',
    },
  },
};

export const SHORT_BATCH_STREAM: Example = {
  name: 'Two prompts at once',
  body: { text: ['USER: Hello.\nASSISTANT:', 'USER: Thank you!\nASSISTANT:'], max_new_tokens: 2 },
  answer:
    'data:{"text":"Hello","batch_id":0}\n\ndata:{"text":"!","batch_id":0}\n\n' +
    'data:{"text":"You","batch_id":1}\n\ndata:{"text":" are","batch_id":1}\n\n',
};

export const DESCRIBED_IMAGE: Example = {
  name: 'An image and a prompt',
  body: { text: 'USER: Describe the image to me.\nASSISTANT:' },
  image: 'two-shapes.jpg',
  answer: {
    text: 'The picture shows a large yellow triangle on the right and a large purple circle at the bottom on a white background.',
  },
};

export const CHART_STREAM: Example = {
  name: 'A question about a chart',
  body: { text: 'Which bar is the tallest?', use_chat_template: true },
  image: 'chart.png',
  answer:
    'data:The\n\ndata:  purple\n\ndata:  bar\n\ndata:  is\n\ndata:  the\n\ndata:  tallest\n\ndata:.\n\n',
};

export const COUNTED_IMAGE: Example = {
  name: 'An image and a prompt',
  body: { text: 'Describe the image.', use_chat_template: true },
  image: 'two-shapes.jpg',
  answer: {
    count: { prompt_tokens: 105, image_tokens: 64, fits: true, max_answer_tokens: 1943 },
    context_tokens: 2048,
  },
};
