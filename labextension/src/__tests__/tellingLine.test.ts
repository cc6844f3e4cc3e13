import { expect, it } from 'vitest';

import { tellingLine } from '../tellingLine';

it.each([
  ['import time\n\n1+1', '1+1'],
  ['%%track_energy -n fit\nfrom a import b\nfit(b)', 'fit(b)'],
  ['%%time\n# how long\n%matplotlib inline\n  plot()', 'plot()'],
  ['from a import (\n  b,\n  c,\n)\nd = b(c)', 'd = b(c)'],
  ['importance = 1', 'importance = 1'],
  ['!pip list', '!pip list']
])('takes of %j the first line that is no import, comment or magic', (source, line) => {
  expect(tellingLine(source)).toBe(line);
});

it('takes the first line where all are imports, comments or magics, and none of an empty cell', () => {
  expect(tellingLine('\n# load\nimport time')).toBe('# load');
  expect(tellingLine('%%track_energy\n%run train.py')).toBe('%run train.py');
  expect([tellingLine(' \n'), tellingLine('%%track_energy -n fit')]).toEqual([null, null]);
});
