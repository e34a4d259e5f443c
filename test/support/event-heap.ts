/** Events of a simulation by time, then by the order in which they came: a binary heap that holes sift through. */
export class EventHeap {
  private readonly items: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = [];
  private pushed = 0;

  push(atMs: number, run: () => void): void {
    const { items } = this;
    const item = { atMs, order: this.pushed++, run };
    let hole = items.length;
    while (hole > 0) {
      const above = (hole - 1) >> 1;
      const parent = items[above];
      if (!parent || !isBefore(item, parent)) break;
      items[hole] = parent;
      hole = above;
    }
    items[hole] = item;
  }

  popUntil(untilMs: number): { readonly atMs: number; readonly run: () => void } | undefined {
    const { items } = this;
    const top = items[0];
    if (!top || top.atMs >= untilMs) return undefined;
    const last = items.pop();
    if (last && items.length > 0) this.sink(last);
    return top;
  }

  private sink(item: { readonly atMs: number; readonly order: number; readonly run: () => void }): void {
    const { items } = this;
    let hole = 0;
    for (;;) {
      let below = 2 * hole + 1;
      const left = items[below];
      if (!left) break;
      const right = items[below + 1];
      let child = left;
      if (right && isBefore(right, left)) {
        below += 1;
        child = right;
      }
      if (!isBefore(child, item)) break;
      items[hole] = child;
      hole = below;
    }
    items[hole] = item;
  }
}

function isBefore(a: { atMs: number; order: number }, b: { atMs: number; order: number }): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
