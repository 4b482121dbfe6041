// The function `strftime_now` of transformers: the day and the time of a request in the form that the template asks for, in English.
import { failed, unsupported } from './template-fault.js';
import { MarkedText } from './marked-text.js';
import { Callable, typeName, written } from './values.js';

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

const padded = (value: number, digits = 2): string => String(value).padStart(digits, '0');

const DIRECTIVES: ReadonlyMap<string, (day: Date) => string> = new Map<string, (day: Date) => string>([
  ['%a', (day) => (WEEKDAYS[day.getDay()] ?? '').slice(0, 3)],
  ['%A', (day) => WEEKDAYS[day.getDay()] ?? ''],
  ['%b', (day) => (MONTHS[day.getMonth()] ?? '').slice(0, 3)],
  ['%B', (day) => MONTHS[day.getMonth()] ?? ''],
  ['%d', (day) => padded(day.getDate())],
  ['%H', (day) => padded(day.getHours())],
  ['%m', (day) => padded(day.getMonth() + 1)],
  ['%M', (day) => padded(day.getMinutes())],
  ['%S', (day) => padded(day.getSeconds())],
  ['%y', (day) => padded(day.getFullYear() % 100)],
  ['%Y', (day) => padded(day.getFullYear(), 4)],
  ['%%', () => '%'],
]);

/** `now` is in the time zone of this process, as in Python. */
export const strftimeNow = (now: Date): Callable =>
  new Callable('strftime_now', (args, budget) => {
    const [form] = args.bind('strftime_now', ['format'], 1);
    if (!(form instanceof MarkedText))
      throw failed(
        `the format of a day must be a str, not a ${form === undefined ? 'missing one' : typeName(form)}`,
      );
    budget.make(form.text.length);
    return written(
      form.text.replace(/%[^]?/gu, (directive) => {
        const write = DIRECTIVES.get(directive);
        if (write === undefined) throw unsupported(`${directive} in the form of a day`);
        return write(now);
      }),
    );
  });
