/** One bar, with what it should stay below or reach. */
export interface Bar {
  label: string;
  value: number;
  /** A line across the bar; null for none. */
  mark: number | null;
  /** Whether it is where it should be; null where nothing is asked. */
  isMet: boolean | null;
}

const WIDTH = 860;
const LABELS = 300;
const VALUES = 60;
const ROW = 22;
const TOP = 58;
const COLOURS = { met: "#2b7a4b", missed: "#c2571a", plain: "#4a6fa5" };

const escapeText = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** A chart of horizontal bars from nought, as an SVG file that needs nothing else. */
export function barChart(title: string, subtitle: string, bars: readonly Bar[]): string {
  const largest = Math.max(...bars.map(({ value, mark }) => Math.max(value, mark ?? 0)), Number.MIN_VALUE);
  const scale = (value: number) => Math.round(((WIDTH - LABELS - VALUES) * value) / largest);
  const rows = bars.map(({ label, value, mark, isMet }, index) => {
    const y = TOP + index * ROW;
    const colour = isMet === null ? COLOURS.plain : isMet ? COLOURS.met : COLOURS.missed;
    const line =
      mark === null
        ? ""
        : `<line x1="${LABELS + scale(mark)}" y1="${y}" x2="${LABELS + scale(mark)}" y2="${y + ROW - 4}" stroke="#222" stroke-width="2"/>`;
    return `<text x="${LABELS - 8}" y="${y + 14}" text-anchor="end">${escapeText(label)}</text>
<rect x="${LABELS}" y="${y + 2}" width="${scale(value)}" height="${ROW - 8}" fill="${colour}"/>${line}
<text x="${LABELS + Math.max(scale(value), mark === null ? 0 : scale(mark)) + 6}" y="${y + 14}">${value}</text>`;
  });
  return frame(title, subtitle, TOP + bars.length * ROW + 12, rows.join("\n"));
}

/** A chart of one line over another quantity, both from nought. */
export function lineChart(
  title: string,
  subtitle: string,
  points: readonly (readonly [x: number, y: number])[],
): string {
  const [left, height, right] = [60, 220, WIDTH - 30];
  const most = (axis: 0 | 1) => Math.max(...points.map((point) => point[axis]), Number.MIN_VALUE);
  const [mostX, mostY] = [most(0), most(1) * 1.1];
  const at = ([x, y]: readonly [number, number]) =>
    `${Math.round(left + ((right - left) * x) / mostX)},${Math.round(TOP + height - (height * y) / mostY)}`;
  const bottom = TOP + height;
  const drawn = `<line x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}" stroke="#888"/>
<line x1="${left}" y1="${TOP}" x2="${left}" y2="${bottom}" stroke="#888"/>
<polyline fill="none" stroke="${COLOURS.plain}" stroke-width="2" points="${points.map(at).join(" ")}"/>
<text x="${left}" y="${bottom + 18}">0</text>
<text x="${right}" y="${bottom + 18}" text-anchor="end">${mostX.toLocaleString("en")}</text>
<text x="${left - 6}" y="${TOP + 10}" text-anchor="end">${mostY.toPrecision(3)}</text>`;
  return frame(title, subtitle, bottom + 32, drawn);
}

function frame(title: string, subtitle: string, height: number, content: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeText(title)}" font-family="system-ui, sans-serif" font-size="12" fill="#222">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="16" y="24" font-size="16" font-weight="600">${escapeText(title)}</text>
<text x="16" y="43" fill="#555">${escapeText(subtitle)}</text>
${content}
</svg>
`;
}
