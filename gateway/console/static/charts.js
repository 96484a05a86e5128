// Four charts of the same seconds. Colours follow the theme; dashes tell the lines apart without colour.

import { byId, count, decimal, duration, element, setText } from "./nodes.js";

const N_SAMPLES = 3600;
const AT = 0;
const SAMPLE_KEYS = ["at", "accepted", "rejected", "failmode", "pending", "login_p50", "login_p90", "login_p99", "gateway_p50", "gateway_p99"];

const CHARTS = [
  {
    title: "Logins a second",
    format: decimal,
    least: 1,
    series: [
      { key: "accepted", name: "accepted", colour: "--good", dash: [] },
      { key: "rejected", name: "rejected", colour: "--bad", dash: [6, 3] },
      { key: "failmode", name: "by fail mode", colour: "--warm", dash: [2, 3] },
    ],
  },
  {
    title: "Login time, people included",
    format: duration,
    least: 0.1,
    series: [
      { key: "login_p50", name: "median", colour: "--blue", dash: [] },
      { key: "login_p90", name: "p90", colour: "--warm", dash: [6, 3] },
      { key: "login_p99", name: "p99", colour: "--bad", dash: [2, 3] },
    ],
  },
  {
    title: "Of that, the gateway's own time",
    format: duration,
    least: 0.001,
    series: [
      { key: "gateway_p50", name: "median", colour: "--blue", dash: [] },
      { key: "gateway_p99", name: "p99", colour: "--bad", dash: [2, 3] },
    ],
  },
  {
    title: "Pending logins",
    format: count,
    least: 4,
    series: [{ key: "pending", name: "pending", colour: "--blue", dash: [] }],
  },
];

const columns = SAMPLE_KEYS.map(() => []);
const charts = [];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Chart {
  constructor(plan) {
    this.plan = plan;
    this.indexes = plan.series.map((each) => SAMPLE_KEYS.indexOf(each.key));
    this.values = plan.series.map(() => element("b"));
    this.swatches = plan.series.map((each) => swatch(each.dash));
    this.place = element("div", { className: "plot", role: "img", label: `${plan.title}: a chart; the last values stand above it` });
    const legend = plan.series.map((each, n) => element("li", {}, this.swatches[n], `${each.name} `, this.values[n]));
    this.figure = element("figure", {},
      element("figcaption", {}, element("h3", { textContent: plan.title }), element("ul", { className: "legend" }, ...legend)),
      this.place);
  }

  draw() {
    this.plot?.destroy();
    this.plan.series.forEach((each, n) => this.swatches[n].firstChild.setAttribute("stroke", colour(each.colour)));
    const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    this.plot = new uPlot({
      width: Math.max(this.place.clientWidth, 200),
      height: this.place.clientHeight,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      scales: { y: { range: (_, low, high) => [0, Math.max(this.plan.least, (high ?? 0) * 1.1)] } },
      axes: [
        { ...axis, size: 28, space: 70, values: "{HH}:{mm}:{ss}", filter: withinScale },
        { ...axis, size: 62, space: 32, values: (_, splits) => splits.map((value) => this.plan.format(value)) },
      ],
      series: [{}, ...this.plan.series.map((each) => ({
        stroke: colour(each.colour), width: 1.75, dash: each.dash, points: { show: false }, spanGaps: false,
      }))],
      hooks: { setCursor: [(plot) => this.showValues(plot.cursor.idx)] },
    }, this.data(), this.place);
  }

  data() {
    const first = firstShown();
    return [columns[AT], ...this.indexes.map((index) => columns[index])].map((column) => column.slice(first));
  }

  update() {
    this.plot.setData(this.data());
    this.showValues(this.plot.cursor.idx);
  }

  /** Show the values under the pointer, else the last ones. */
  showValues(index) {
    const data = this.plot.data;
    const at = index ?? data[AT].length - 1;
    this.values.forEach((node, n) => setText(node, data[AT].length ? this.plan.format(data[n + 1][at] ?? null) : "–"));
  }
}

/** Leave a mark out that lies beyond the last second: uPlot gives one where the seconds shown have none. */
function withinScale(plot, marks) {
  return marks.map((at) => (at <= plot.scales.x.max ? at : null));
}

function swatch(dash) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  for (const [name, value] of Object.entries({ width: 22, height: 6, "aria-hidden": "true" })) svg.setAttribute(name, value);
  for (const [name, value] of Object.entries({ x1: 0, y1: 3, x2: 22, y2: 3, "stroke-width": 2.5 })) line.setAttribute(name, value);
  if (dash.length) line.setAttribute("stroke-dasharray", dash.join(" "));
  svg.append(line);
  return svg;
}

function firstShown() {
  const times = columns[AT];
  if (!times.length) return 0;
  const since = times[times.length - 1] - Number(byId("span").value);
  const first = times.findIndex((at) => at >= since);
  return Math.max(first, 0);
}

export function startCharts() {
  for (const plan of CHARTS) {
    const chart = new Chart(plan);
    charts.push(chart);
    byId("charts").append(chart.figure);
  }
  const redraw = () => charts.forEach((chart) => chart.draw());
  redraw();
  byId("charts-box").addEventListener("toggle", redraw); // what is folded has no width
  addEventListener("hashchange", () => requestAnimationFrame(redraw));
  byId("span").addEventListener("change", () => charts.forEach((chart) => chart.update()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) redraw();
    width = innerWidth;
  });
}

/** Take samples up: all of them, or those behind the ones that are here. */
export function showSamples(samples, isWhole) {
  columns.forEach((column, n) => {
    if (isWhole) column.length = 0;
    for (const sample of samples) column.push(sample[n]);
    column.splice(0, column.length - N_SAMPLES);
  });
  charts.forEach((chart) => chart.update());
}

/** The last sample by the names of its numbers, or null. */
export function lastSample() {
  const last = columns[AT].length - 1;
  return last < 0 ? null : Object.fromEntries(SAMPLE_KEYS.map((key, n) => [key, columns[n][last]]));
}
