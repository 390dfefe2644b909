// Short news at the edge of the page, with an action such as undo for as long as they stand.

export interface ToastAction {
  label: string;
  run: () => void;
}

export interface ToastContent {
  message: string;
  /** Stands for longer and looks like one. */
  isError?: boolean;
  action?: ToastAction;
  /** How long it stands: 6 without an action, 10 with one. */
  seconds?: number;
}

export interface Toast extends ToastContent {
  id: number;
}

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 1;
  #timers = new Map<number, ReturnType<typeof setTimeout>>();
  #isHeld = false;

  show(content: ToastContent): number {
    const toast = { ...content, id: this.#next++ };
    this.list = [...this.list.slice(-3), toast];
    if (!this.#isHeld) this.#countDown(toast);
    return toast.id;
  }

  dismiss(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** Nothing leaves, nor what comes meanwhile, while somebody points at one or has the focus in it. */
  hold(): void {
    this.#isHeld = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  /** Each stands for its whole time again. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    for (const toast of this.list) this.#countDown(toast);
  }

  #countDown(toast: Toast): void {
    clearTimeout(this.#timers.get(toast.id));
    const seconds = toast.seconds ?? (toast.action || toast.isError ? 10 : 6);
    this.#timers.set(
      toast.id,
      setTimeout(() => this.dismiss(toast.id), seconds * 1_000),
    );
  }
}

export const toasts = new Toasts();
