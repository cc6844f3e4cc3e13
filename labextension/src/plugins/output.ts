import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { marked, partNodes } from '../parts';
import { recordParts } from '../recordText';
import { readRecord } from '../readRecord';

const MIME = 'application/vnd.jupyter-green.v1+json';
const RANK = 30; // before text/html

/** Draws the records that come with a cell's output, from kernels whose journal the server cannot read. */
export const outputPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-green:output',
  description: 'Draws the energy that came with the output of a cell.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  optional: [ITranslator],
  activate: (_: JupyterFrontEnd, registry: IRenderMimeRegistry, translator: ITranslator | null) => {
    const trans = (translator ?? nullTranslator).load('jupyter_green');
    registry.addFactory(
      { safe: true, mimeTypes: [MIME], createRenderer: () => new CarriedLine(trans) },
      RANK
    );
  }
};

class CarriedLine extends Widget implements IRenderMime.IRenderer {
  constructor(private readonly _trans: TranslationBundle) {
    super();
    this.addClass('jp-green-line');
    this.addClass('jp-mod-carried');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const record = readRecord(model.data[MIME]);
    const trans = this._trans;
    const parts =
      record === null
        ? [trans.__('an energy record that cannot be read')]
        : recordParts(record, trans);
    if (!model.trusted) {
      parts.push(trans.__('recorded elsewhere'));
    }
    const text = document.createElement('span');
    text.className = 'jp-green-line-carried';
    text.append(...partNodes(marked(parts, record?.name ?? null)));
    this.node.replaceChildren(text);
    return Promise.resolve();
  }
}
