import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';

import type { GreenModel } from '../model';
import type { NotebookModel } from '../notebookModel';

/** A part of the sidebar; it follows the current notebook and is drawn only while it can be seen. */
export abstract class Section extends ReactWidget {
  constructor(
    protected readonly model: GreenModel,
    protected readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-green-part');
  }

  protected get notebook(): NotebookModel | null {
    return this.model.current;
  }

  /** The current notebook is another one. */
  protected onNotebook(): void {
    this.onChanged();
  }

  /** Records or totals changed. */
  protected onChanged(): void {
    this.updateIfSeen();
  }

  /** The kernel's power was seen. */
  protected onLive(): void {
    // Only one section shows it.
  }

  protected updateIfSeen(): void {
    if (this.isVisible) {
      this.update();
    }
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.model.currentChanged.connect(this._follow, this);
    this._follow();
  }

  protected override onBeforeDetach(message: Message): void {
    this._leave();
    this.model.currentChanged.disconnect(this._follow, this);
    super.onBeforeDetach(message);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.updateIfSeen();
  }

  private _follow(): void {
    this._leave();
    const notebook = this.model.current;
    this._followed = notebook;
    notebook?.changed.connect(this.onChanged, this);
    notebook?.liveChanged.connect(this.onLive, this);
    this.onNotebook();
  }

  private _leave(): void {
    this._followed?.changed.disconnect(this.onChanged, this);
    this._followed?.liveChanged.disconnect(this.onLive, this);
    this._followed = null;
  }

  private _followed: NotebookModel | null = null;
}
