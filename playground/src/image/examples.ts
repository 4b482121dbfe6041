// Images and questions that the demo model answers well: the first answer is one click away.
import chart from '../../../models/demo/images/chart.png?url';
import many from '../../../models/demo/images/many.png?url';
import number from '../../../models/demo/images/number.png?url';
import oneShape from '../../../models/demo/images/one-shape.png?url';
import sign from '../../../models/demo/images/sign.png?url';
import twoShapes from '../../../models/demo/images/two-shapes.jpg?url';

export interface Example {
  readonly url: string;
  readonly name: string;
  readonly question: string;
}

export const EXAMPLES: readonly Example[] = [
  { url: twoShapes, name: 'two-shapes.jpg', question: 'Describe the image.' },
  { url: chart, name: 'chart.png', question: 'Which bar is the tallest?' },
  { url: number, name: 'number.png', question: 'What number is shown?' },
  { url: sign, name: 'sign.png', question: 'What text is in the image?' },
  { url: many, name: 'many.png', question: 'What shapes do you see?' },
  { url: oneShape, name: 'one-shape.png', question: 'What shape is the purple object?' },
];
