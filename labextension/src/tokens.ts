import { Token } from '@lumino/coreutils';

import type { GreenModel } from './model';

/** What the plugins of this extension share. */
export const IGreenModel = new Token<GreenModel>(
  'jupyter-green:IGreenModel',
  'The energy of the open notebooks, their cells and their kernels.'
);
