import type { TranslationBundle } from '@jupyterlab/translation';

import type { ApiError } from './api';
import { powerBrief } from './amounts';
import type { IAmount } from './series';
import type { TrackingProblem } from './tracking';

/** Below this power a kernel rests, W: less is no more than the clock's steps. */
export const IDLE_W = 1e-3;

/** Write a power without its range, or that there is none to speak of. */
export function powerWord(power: IAmount, trans: TranslationBundle): string {
  return power.value < IDLE_W ? trans.__('idle') : powerBrief(power.value, power.low, power.high);
}

/** Say why a notebook cannot be tracked, and what to do. */
export function trackingSentence(problem: TrackingProblem, trans: TranslationBundle): string {
  switch (problem.kind) {
    case 'no kernel':
      return trans.__('This notebook has no kernel. Choose one, then track.');
    case 'language':
      return trans.__(
        'Cells are tracked in Python kernels. This one runs %1: its power is shown, its cells are not recorded.',
        problem.language
      );
    case 'not installed':
      return trans.__(
        'jupyter_green is not installed where this kernel runs. Type in a cell: %pip install jupyter-green'
      );
    case 'failed':
      return trans.__('This kernel cannot be tracked: %1', problem.message);
    case 'settings':
      return problem.message;
  }
}

/** Say quietly that the server did not answer. */
export function serverSentence(problem: ApiError, trans: TranslationBundle): string {
  if (problem.status === 0) {
    return trans.__('The server does not answer. It is asked again from time to time.');
  }
  if (problem.status === 404) {
    return trans.__('The server cannot tell: %1', problem.message);
  }
  if (problem.status === 403) {
    return trans.__('The server does not let you see this (403).');
  }
  return trans.__('The server failed: %1 (%2)', problem.message, problem.status);
}
