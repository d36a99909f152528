import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

const WIDTH = 520;

/**
 * Replaces vega's estimate of a text's width, which is a third too wide and leaves empty space. The widths are those of
 * DejaVu Sans, the widest of the usual sans-serif fonts.
 */
function estimateWidth({ fontSize = 11, fontWeight }: { fontSize?: number; fontWeight?: string }, text = "") {
  return String(text).length * fontSize * (fontWeight === "bold" ? 0.66 : 0.58);
}
Object.assign((vega as unknown as { textMetrics: object }).textMetrics, { width: estimateWidth });

/** One bar of a chart, with its target. */
export interface Bar {
  label: string;
  value: number;
  /** Text after the value, such as the milliseconds that a ratio compares. */
  detail?: string;
  /** Null: no target. */
  target: number | null;
  /** Null: no target. */
  isMet: boolean | null;
}

/** Texts of a chart. */
export interface ChartTexts {
  title: string;
  /** One line on the figures and their machine. */
  subtitle: string;
  /** Title of the horizontal axis, with the unit and which direction is better. */
  x: string;
  /** Title of the vertical axis: what the bars are, or a unit and which direction is better. */
  y: string;
}

const COLORS = { "target met": "#2b7a4b", "target missed": "#c2571a", "no target": "#4a6fa5" } as const;
type Judgment = keyof typeof COLORS;

const judgmentOf = (isMet: boolean | null): Judgment =>
  isMet === null ? "no target" : isMet ? "target met" : "target missed";

/** Horizontal bars in their order, each with its value, its detail and a black line at its target. @returns an SVG */
export function barChart({ title, subtitle, x, y: of }: ChartTexts, bars: readonly Bar[]): Promise<string> {
  const judgments = (Object.keys(COLORS) as Judgment[]).filter((judgment) =>
    bars.some(({ isMet }) => judgmentOf(isMet) === judgment),
  );
  // The title is above the labels, because beside them it would be long and turned.
  const axis = { title: of, titleAngle: 0, titleAlign: "right", titleX: -8, titleY: -8 } as const;
  const y = { field: "label", type: "nominal", sort: null, axis } as const;
  return render({
    title: { text: title, subtitle, anchor: "start", offset: 24 },
    width: WIDTH,
    height: { step: 22 },
    data: {
      values: bars.map(({ detail = "", ...bar }) => ({
        ...bar,
        judgment: judgmentOf(bar.isMet),
        textAt: Math.max(bar.value, bar.target ?? 0),
        text: `${bar.value}${detail && ` (${detail})`}`,
      })),
    },
    encoding: { y },
    layer: [
      {
        mark: { type: "bar" },
        encoding: {
          x: { field: "value", type: "quantitative", title: x },
          color: {
            field: "judgment",
            type: "nominal",
            title: null,
            scale: { domain: judgments, range: judgments.map((judgment) => COLORS[judgment]) },
            legend: { orient: "bottom" },
          },
        },
      },
      {
        transform: [{ filter: "datum.target !== null" }],
        mark: { type: "tick", color: "black", thickness: 2, size: 18 },
        encoding: { x: { field: "target", type: "quantitative" } },
      },
      {
        mark: { type: "text", align: "left", dx: 4 },
        encoding: {
          x: { field: "textAt", type: "quantitative" },
          text: { field: "text", type: "nominal" },
        },
      },
    ],
  });
}

/** One line over points; the vertical axis starts at 0. @returns an SVG */
export function lineChart(
  { title, subtitle, x, y }: ChartTexts,
  points: readonly (readonly [x: number, y: number])[],
): Promise<string> {
  return render({
    title: { text: title, subtitle, anchor: "start" },
    width: WIDTH,
    height: 220,
    data: { values: points.map(([at, value]) => ({ at, value })) },
    mark: { type: "line", color: COLORS["no target"] },
    encoding: {
      x: { field: "at", type: "quantitative", title: x },
      y: { field: "value", type: "quantitative", title: y, scale: { zero: true } },
    },
  });
}

async function render(spec: TopLevelSpec): Promise<string> {
  const { spec: compiled } = compile({
    ...spec,
    background: "white",
    padding: 12,
    config: { font: "sans-serif", axis: { labelLimit: 0 } },
  });
  const view = new vega.View(vega.parse(compiled), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}
