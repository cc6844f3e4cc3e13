/** Something that the server is asked for: the last answer, and why the last question had none. */
export class Asked<T> {
  value: T | null = null;
  problem: string | null = null;
  isAsking = false;

  /** Ask; of several questions at once the last one's answer counts. */
  async ask(question: () => Promise<T>): Promise<void> {
    const turn = ++this._turn;
    this.isAsking = true;
    try {
      const value = await question();
      if (turn === this._turn) {
        this.value = value;
        this.problem = null;
      }
    } catch (error) {
      if (turn === this._turn) {
        this.problem = error instanceof Error ? error.message : String(error);
      }
    }
    if (turn === this._turn) {
      this.isAsking = false;
    }
  }

  forget(): void {
    this._turn += 1;
    this.value = null;
    this.problem = null;
    this.isAsking = false;
  }

  private _turn = 0;
}
