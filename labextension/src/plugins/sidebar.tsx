import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { PanelWithToolbar, ReactWidget, SidePanel } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { AccordionPanel, type Widget } from '@lumino/widgets';

import { ComparePlot } from '../components/compare/ComparePlot';
import { leafIcon } from '../icons';
import type { GreenModel } from '../model';
import { CellsSection } from '../sections/CellsSection';
import { MeasuredSection } from '../sections/MeasuredSection';
import { NowSection } from '../sections/NowSection';
import { RunsSection } from '../sections/RunsSection';
import { IGreenModel } from '../tokens';
import type { Found, Run } from '../wire';

/** The panel beside the notebook: now, cells, runs, and how it is measured. */
export const sidebarPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-green:sidebar',
  description: 'Shows the energy of the notebook, its cells and its runs in a panel.',
  autoStart: true,
  requires: [IGreenModel],
  optional: [ILabShell, ILayoutRestorer, ITranslator, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    model: GreenModel,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null,
    state: IStateDB | null
  ) => {
    const trans = (translator ?? nullTranslator).load('jupyter_green');
    let beside: Widget | null = null;
    const compare = (
      runs: readonly Run[],
      looked: Readonly<Record<string, Found | null>>
    ): void => {
      const content = ReactWidget.create(<ComparePlot runs={runs} looked={looked} trans={trans} />);
      content.addClass('jp-green-comparing');
      const widget = new MainAreaWidget({ content });
      widget.toolbar.hide(); // it has none
      widget.id = `jp-green-compare-${String(++compared)}`;
      widget.title.label = trans.__('Compare %1 runs', runs.length);
      widget.title.icon = leafIcon;
      widget.title.closable = true;
      if (labShell === null) {
        // Notebook 7 has one document a page: the comparison stands beside it, in the place of the one before.
        beside?.dispose();
        beside = widget;
      }
      app.shell.add(widget, labShell === null ? 'right' : 'main');
      app.shell.activateById(widget.id);
    };
    const measured = new MeasuredSection(model, trans, () => {
      void app.commands.execute('settingeditor:open', { query: 'Energy of notebooks' });
    });
    const panel = new GreenPanel(model);
    const chooseGrid = (): void => {
      panel.expand(MEASURED_AT);
      void measured.focusGrid();
    };
    const now = new NowSection(model, trans, chooseGrid, measured, {
      wasRead: async () => (await state?.fetch(WELCOMED)) === true,
      read: () => void state?.save(WELCOMED, true)
    });
    const cells = new CellsSection(model, trans, notebook => app.shell.activateById(notebook.id));
    const runs = new RunsSection(model, trans, compare);
    panel.addSection(trans.__('Now'), now, WHOLE_PX);
    panel.addSection(trans.__('Cells'), cells, FEW_PX);
    panel.addSection(trans.__('Runs'), runs, SOME_PX);
    panel.addSection(trans.__('How this is measured'), measured, SOME_PX);
    panel.title.caption = trans.__('Energy');
    panel.title.icon = leafIcon;
    panel.node.setAttribute('role', 'region');
    panel.node.setAttribute('aria-label', trans.__('Energy of the notebook'));
    app.shell.add(panel, 'left', { rank: 700, type: 'Energy' });
    restorer?.add(panel, panel.id);
  }
};

const WELCOMED = 'jupyter-green:welcomed'; // the first lines were read, in this workspace
const RUNS_AT = 2;
const MEASURED_AT = 3;
let compared = 0;

/** The accordion; it tells the model while somebody looks at it. */
class GreenPanel extends SidePanel {
  constructor(private readonly _model: GreenModel) {
    super();
    this.id = 'jp-green-panel';
    this.addClass('jp-green-sidebar');
    if (this.content instanceof AccordionPanel) {
      this.content.expansionToggled.connect(this._share, this);
    }
  }

  /** `neededPx`: with less height than that, or than all it holds, it is not shown; the panel scrolls instead. */
  addSection(label: string, section: Widget, neededPx: number): void {
    const holder = new PanelWithToolbar();
    this._neededPx.set(holder, neededPx);
    holder.addWidget(section);
    holder.title.label = label;
    section.title.changed.connect(() => {
      holder.title.label = section.title.label;
    });
    this.addWidget(holder);
  }

  expand(index: number): void {
    if (this.content instanceof AccordionPanel) {
      this.content.expand(index);
    }
  }

  protected override onResize(message: Widget.ResizeMessage): void {
    super.onResize(message);
    if (!this._isArranged && message.height > 0) {
      this._isArranged = true;
      // Once the sections have sizes: what is asked for less often starts closed.
      requestAnimationFrame(() => {
        if (this.content instanceof AccordionPanel) {
          this.content.collapse(RUNS_AT);
          this.content.collapse(MEASURED_AT);
        }
      });
    }
  }

  override dispose(): void {
    this._grown.disconnect();
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._model.isLookedAt = this.isVisible;
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._model.isLookedAt = true;
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._model.isLookedAt = false;
  }

  /** Open sections share the room by what they hold: Lumino's own sums leave none to one that was closed early. */
  private _share(accordion: AccordionPanel): void {
    requestAnimationFrame(() => {
      this._hold(accordion);
      accordion.setRelativeSizes(
        accordion.widgets.map(section => (section.isHidden ? 0 : heightOf(section)))
      );
    });
  }

  /** Give open sections the height that they need, now and when they hold more. */
  private _hold(accordion: AccordionPanel): void {
    for (const [section, neededPx] of this._neededPx) {
      section.node.style.minHeight = `${String(Math.min(neededPx, heightOf(section)))}px`;
      const content = contentOf(section);
      if (content !== null && !this._observed.has(content)) {
        this._observed.add(content);
        this._grown.observe(content);
      }
    }
    accordion.fit();
  }

  private readonly _neededPx = new Map<Widget, number>();
  private readonly _observed = new WeakSet<Element>();
  private readonly _grown = new ResizeObserver(() => {
    requestAnimationFrame(() => {
      if (this.content instanceof AccordionPanel && this.isVisible) {
        this._hold(this.content);
      }
    });
  });
  private _isArranged = false;
}

const LEAST_PX = 120; // of a section that holds little, or is not drawn yet
const FEW_PX = 180; // of what stands open at first: on a screen of 800 px, all headings are in view
const WHOLE_PX = 420; // the first lines, the chart and a total
const SOME_PX = 240; // of what was opened to be read: a list's beginning

function contentOf(section: Widget): Element | null {
  return section.node.querySelector('.jp-green-panel');
}

function heightOf(section: Widget): number {
  return Math.max(LEAST_PX, contentOf(section)?.scrollHeight ?? 0);
}
