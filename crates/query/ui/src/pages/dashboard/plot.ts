// One chart of stacked columns over time: uPlot has the axes, the canvas and the drag, the columns are drawn here.
import uPlot from 'uplot';
import { shortCount } from '$lib/text/counts';
import type { Columns, Stack } from './columns';
import { axisTop } from './numbers';
import type { Palette } from './palette';
import { tickText, type Span } from './span';

/** Room for the numbers of the axis, and beside the last column: what lies over the chart needs them too. */
export const AXIS_WIDTH = 44;
export const RIGHT_PADDING = 22;
const TIME_AXIS_HEIGHT = 26;
/** A column that is there can be seen. */
const HEIGHT_MIN = 2;
const EDGE = 2;

export interface PlotOptions {
  height: number;
  /** Whether the times stand below. */
  hasTimes: boolean;
  /** Charts of one group show drags together. */
  group: string;
  onzoom: (span: Span) => void;
}

export class Plot {
  readonly #plot: uPlot;
  readonly #observer: ResizeObserver;
  #palette: Palette;
  #columns: Columns;
  #stack: Stack;

  constructor(target: HTMLElement, columns: Columns, stack: Stack, palette: Palette, options: PlotOptions) {
    this.#columns = columns;
    this.#stack = stack;
    this.#palette = palette;
    const { height, hasTimes } = options;
    const stroke = () => this.#palette.colour('text-faint');
    const grid = { stroke: () => this.#palette.colour('line'), width: 1 };
    this.#plot = new uPlot(
      {
        width: Math.max(target.clientWidth, 1),
        height,
        padding: [10, RIGHT_PADDING, hasTimes ? 0 : 6, 0],
        legend: { show: false },
        cursor: {
          x: false,
          y: false,
          points: { show: false },
          sync: { key: options.group },
          drag: { x: true, y: false, setScale: false, dist: 6 },
        },
        scales: {
          x: { time: true, range: () => [this.#columns.from / 1_000, this.#columns.until / 1_000] },
          y: { range: () => [0, this.#top] },
        },
        axes: [
          {
            show: hasTimes,
            size: TIME_AXIS_HEIGHT,
            gap: 6,
            font: palette.font,
            stroke,
            grid: { show: false },
            ticks: { ...grid, size: 4 },
            space: 64,
            values: (_plot, splits) => splits.map((second) => tickText(second * 1_000)),
          },
          {
            size: AXIS_WIDTH,
            gap: 8,
            font: palette.font,
            stroke,
            grid,
            ticks: { show: false },
            splits: () => [0, this.#top / 2, this.#top],
            values: (_plot, splits) => splits.map((value) => shortCount(value)),
          },
        ],
        // Only its data count; the columns are drawn by the hook.
        series: [{}, { paths: () => null, points: { show: false } }],
        hooks: {
          drawSeries: [() => this.#drawColumns()],
          setSelect: [
            (plot) => {
              const { left, width } = plot.select;
              if (width <= 0) return;
              const at = (x: number) => Math.round(plot.posToVal(x, 'x') * 1_000);
              const span = { from: at(left), until: at(left + width) };
              plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              options.onzoom(span);
            },
          ],
        },
      },
      this.#data(),
      target,
    );
    this.#observer = new ResizeObserver(() => {
      if (target.clientWidth > 0 && target.clientWidth !== this.#plot.width) {
        this.#plot.setSize({ width: target.clientWidth, height });
      }
    });
    this.#observer.observe(target);
  }

  show(columns: Columns, stack: Stack): void {
    this.#columns = columns;
    this.#stack = stack;
    this.#plot.setData(this.#data());
  }

  recolour(palette: Palette): void {
    this.#palette = palette;
    this.#plot.redraw(false, true);
  }

  destroy(): void {
    this.#observer.disconnect();
    this.#plot.destroy();
  }

  get #top(): number {
    return axisTop(this.#stack.totals.reduce((most, value) => Math.max(most, value), 0));
  }

  #data(): uPlot.AlignedData {
    return [this.#columns.starts.map((ms) => ms / 1_000), [...this.#stack.totals]];
  }

  #drawColumns(): void {
    const { ctx, bbox } = this.#plot;
    const { starts, bucketSeconds } = this.#columns;
    const { layers, counts, totals } = this.#stack;
    const unit = devicePixelRatio;
    const x = (index: number) => this.#plot.valToPos((starts[0] ?? 0) / 1_000 + index * bucketSeconds, 'x', true);
    const bottom = bbox.top + bbox.height;
    const perValue = bbox.height / this.#top;
    const colours = layers.map(({ tone }) => this.#palette.colour(`${tone}-solid`));
    const softColours = layers.map(({ tone, isSoft }) => isSoft && this.#palette.colour(`${tone}-soft`));
    ctx.save();
    for (let index = 0; index < starts.length; index += 1) {
      if (totals[index] === 0) continue;
      const left = Math.round(x(index));
      const right = Math.round(x(index + 1));
      // A gap of a fifth, of one to three pixels.
      const gap = Math.min(Math.max(Math.round((right - left) / 5), right - left > 2 ? 1 : 0), Math.round(3 * unit));
      let top = bottom;
      for (let layer = 0; layer < layers.length; layer += 1) {
        const value = counts[layer]?.[index] ?? 0;
        if (value === 0) continue;
        const height = Math.max(Math.round(value * perValue), Math.round(HEIGHT_MIN * unit));
        top -= height;
        const from = Math.max(top, bbox.top);
        const edge = Math.min(Math.round(EDGE * unit), height);
        ctx.fillStyle = softColours[layer] ?? colours[layer] ?? '';
        ctx.fillRect(left, from, right - left - gap, top + height - from);
        if (softColours[layer] === undefined) continue;
        ctx.fillStyle = colours[layer] ?? '';
        ctx.fillRect(left, from, right - left - gap, edge);
      }
    }
    ctx.restore();
  }
}
