// The charts of the report on an analysis.
const data = JSON.parse(document.getElementById("data").textContent);

// ---- charts ---------------------------------------------------------------------------------
const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}
// Four significant digits and exponents of two, as everywhere else.
const short = (value) => (value === null ? "–" : value.toPrecision(4).replace(/e([+-])(\d)$/, "e$10$2").replaceAll("-", "−"));

// Neighbours that push each other are read together. An interval without an upper end is open.
function range(rows, i) {
  // Deeper in the spectrum all are neighbours.
  const together = rows.together[i] > 1 && rows.out?.[i] !== 0 ? ` (${rows.together[i]} together)` : "";
  return `${short(rows.low[i])} to ${rows.high[i] === null ? "∞" : short(rows.high[i])}${together}`;
}
// Where neighbours mix, the share in the span of their directions stands for the overlap.
const share = (rows, i) => (rows.isolated[i] ? "" : "span ");
function overlap(rows, side, i) {
  const [low, high] = ["low", "high"].map((end) => rows[`span_${side}_${end}`][i].toFixed(2));
  return `${share(rows, i)}${rows[`span_${side}`][i].toFixed(2)} (${low} to ${high})`;
}
const spikeOverlap = (rows, side, i) => share(rows, i) + rows[`span_${side}`][i].toFixed(2);

// What carries a marker in a chart: spikes where they count, else what stands out from the rest.
function marks({ counted, spikes, leading }) {
  if (counted) return { ...spikes, lines: (i) => spikeLines(spikes, i), name: "Spike" };
  const out = leading.out.flatMap((flag, i) => (flag ? [i] : []));
  const rows = Object.fromEntries(Object.entries(leading).map(([field, all]) => [field, out.map((i) => all[i])]));
  return { ...rows, lines: (i) => leadingLines(rows, i), name: "Direction" };
}

function spikeLines(spikes, i) {
  return [
    ["observed", short(spikes.observed[i])],
    ["θ before noise", `${short(spikes.theta[i])}, ${range(spikes, i)}`],
    ["overlap", `left ${spikeOverlap(spikes, "left", i)}, right ${spikeOverlap(spikes, "right", i)}`],
    ["p", spikes.p[i] || data.tiny],
  ];
}

function leadingLines(rows, i) {
  return [
    ["observed", short(rows.observed[i])],
    ["θ against the rest", `${short(rows.theta[i])}, ${range(rows, i)}`],
    ["overlap left", overlap(rows, "left", i)],
    ["overlap right", overlap(rows, "right", i)],
  ];
}

function layout(title, height) {
  const axis = {
    gridcolor: colour("line"), linecolor: colour("line"), zeroline: false, ticks: "",
    tickfont: { color: colour("muted") }, title: { font: { color: colour("muted"), size: 12 } },
  };
  return {
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("ink") },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 46, r: 8, t: 8, b: 42 }, uirevision: "keep", height,
    dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
    hovermode: "closest", bargap: 0,
    hoverlabel: {
      bgcolor: colour("surface"), bordercolor: colour("line"), align: "left",
      font: { color: colour("ink"), size: 12 },
    },
    showlegend: false,
    xaxis: { ...axis, title: { ...axis.title, text: title[0] } },
    yaxis: { ...axis, title: { ...axis.title, text: title[1] }, rangemode: "tozero", fixedrange: true },
  };
}

function spectrumFigure(place, height) {
  const layer = data.layers[place.layer - 1];
  const { bins, counts, law, edge, bulk, counted } = layer;
  const marked = marks(layer);
  const total = counts.reduce((a, b) => a + b, 0);
  const widths = counts.map((_, i) => bins[i + 1] - bins[i]);
  const heights = counts.map((count, i) => count / (total * widths[i]));
  // Values that are zero to rounding fill the first bin, which must not flatten the rest.
  const first = layer.zeros && !law[1].length && heights.length > 1 ? 1 : 0;
  const inside = Math.max(...heights.filter((_, i) => i >= first && (edge === null || bins[i] < edge)), ...law[1]);
  const top = law[1].length ? Math.min(inside, 2.5 * Math.max(...law[1])) : inside;
  const stem = 0.09 * top;
  const tone = colour(counted ? "signal" : "nolaw");
  const last = Math.max(bins[bins.length - 1], edge, bulk, law[0].length ? law[0][law[0].length - 1] : 0);
  const traces = [
    {
      type: "bar", x: counts.map((_, i) => (bins[i] + bins[i + 1]) / 2), y: heights, width: widths,
      marker: { color: colour("bar"), line: { width: 0 } },
      text: counts.map((count, i) => `${count} singular ${count === 1 ? "value" : "values"}<br>between ${short(bins[i])} and ${short(bins[i + 1])}`),
      textposition: "none", hovertemplate: "%{text}<extra></extra>",
    },
    {
      type: "scatter", mode: "lines", x: law[0], y: law[1],
      line: { color: colour("law"), width: 2 }, hoverinfo: "skip", connectgaps: false,
    },
    {
      type: "scatter", mode: "lines", x: edge === null ? [] : [edge, edge], y: [0, 1.04 * top],
      line: { color: colour("muted"), width: 1.5, dash: "5px,4px" },
      hovertemplate: `edge ${short(edge)}<extra></extra>`,
    },
  ];
  if (marked.observed.length) {
    traces.push({
      type: "scatter", mode: "markers", x: marked.observed,
      y: marked.observed.map(() => stem),
      error_y: { type: "data", symmetric: false, array: [0], arrayminus: marked.observed.map(() => stem), color: tone, thickness: 1.2, width: 0 },
      marker: {
        size: 9, color: marked.observed.map((_, i) => (!counted || marked.isolated[i] ? tone : colour("surface"))),
        line: { color: tone, width: 1.8 }, symbol: counted ? "circle" : "square",
      },
      text: marked.observed.map((_, i) => marked.lines(i).map(([name, value]) => `${name} <b>${value}</b>`).join("<br>")),
      hovertemplate: "%{text}<extra></extra>",
    });
  }
  if (!counted) traces.push(strengths(marked, stem, last, tone));
  if (bulk !== null) {
    traces.push({
      type: "scatter", mode: "lines", x: [bulk, bulk], y: [0, 1.04 * top],
      line: { color: colour("muted"), width: 1.5, dash: "1.5px,3px" },
      hovertemplate: `noise and weak signal end ${short(bulk)}<extra></extra>`,
    });
  }
  const figure = layout([layer.word, "density"], height);
  const low = Math.min(bins[0], law[0].length ? law[0][0] : bins[0]);
  const { end } = layer;
  place.ranges = { all: padded(low, last) };
  // Far marks would squeeze the bulk into a sliver: then the page opens on the bulk.
  if (end && last > 1.5 * end) place.ranges.bulk = padded(Math.min(low, end), 1.25 * end);
  place.opening ??= last > 4 * end && place.ranges.bulk ? "bulk" : "all";
  figure.xaxis.range = [...place.ranges[place.opening]];
  figure.yaxis.range = [0, 1.08 * top];
  return [traces, figure];
}

// The intervals of θ, above the markers and in steps: those of neighbours would hide each other.
function strengths(rows, stem, last, tone) {
  return {
    type: "scatter", mode: "markers", x: rows.theta, y: rows.theta.map((_, i) => stem * (1.6 + 0.5 * (i % 6))),
    error_x: {
      type: "data", symmetric: false, color: tone, thickness: 3, width: 0,
      array: rows.theta.map((theta, i) => (rows.high[i] ?? last) - theta),
      arrayminus: rows.theta.map((theta, i) => theta - rows.low[i]),
    },
    marker: { size: 11, symbol: "line-ns", line: { color: tone, width: 2 } },
    hoverinfo: "skip",
  };
}

function padded(low, high) {
  const pad = 0.025 * (high - low);
  return [low > 0 && low < pad ? 0 : low - pad, high + pad];
}

function initialFigure(place, height) {
  const { rank, value, critical, edge, marked } = data.initial[place.index];
  const ends = [1, rank[rank.length - 1]];
  const line = (name, level, dash) => ({
    type: "scatter", mode: "lines", x: ends, y: [level, level],
    line: { color: colour("muted"), width: 1.5, dash }, hovertemplate: `${name} ${short(level)}<extra></extra>`,
  });
  const tone = critical === null ? "nolaw" : "signal";
  const traces = [
    {
      type: "scatter", mode: "markers", x: rank, y: value,
      marker: {
        opacity: 1, size: marked.map((yes) => (yes ? 8 : 5)), color: marked.map((yes) => (yes ? colour(tone) : colour("surface"))),
        symbol: marked.map((yes) => (yes && critical === null ? "square" : "circle")),
        line: { color: marked.map((yes) => colour(yes ? tone : "noise")), width: 1.5 },
      },
      hovertemplate: "number %{x}<br><b>%{y:.4g}</b><extra></extra>",
    },
    ...(critical === null ? [] : [line("critical value", critical, "5px,4px"), line("edge", edge, "1.5px,3px")]),
  ];
  const figure = layout(["rank", "singular value"], height);
  figure.xaxis.range = padded(...ends);
  place.ranges = { all: figure.xaxis.range };
  place.opening = "all";
  return [traces, figure];
}

const config = { displaylogo: false, responsive: true, displayModeBar: false, scrollZoom: false, doubleClick: "reset" };
const places = all(".chart").map((element) => ({
  element,
  layer: Number(element.closest("[data-layer]")?.dataset.layer),
  index: Number(element.dataset.index),
  figure: element.dataset.chart === "spectrum" ? spectrumFigure : initialFigure,
  status: element.nextElementSibling,
  buttons: all(".ranges button", element.parentNode),
  drawn: false,
  spike: -1,
}));

function draw(place) {
  const [traces, figure] = place.figure(place, place.element.clientHeight);
  place.ready = Plotly.react(place.element, traces, figure, config);
  if (place.drawn) return;
  place.drawn = true;
  if (place.ranges.bulk) place.buttons[0].parentNode.hidden = false;
  markRange(place);
  place.element.on("plotly_relayout", () => markRange(place));
}
function erase(place) {
  place.drawn = false;
  place.spike = -1;
  // A chart that is passed by quickly may not be finished yet.
  place.ready.then(() => place.drawn || Plotly.purge(place.element));
}
redraws.push(() => {
  for (const place of places) if (place.drawn) draw(place);
});

function zoomTo(place, range) {
  Plotly.relayout(place.element, { "xaxis.range": [...range] });
}
function markRange(place) {
  const now = place.element.layout.xaxis.range;
  for (const button of place.buttons) {
    const range = place.ranges[button.dataset.range];
    const same = range && range.every((value, i) => Math.abs(value - now[i]) < 1e-6 * Math.abs(range[1]));
    button.setAttribute("aria-pressed", String(Boolean(same)));
  }
}

function stepTo(place, step) {
  const layer = data.layers[place.layer - 1];
  const marked = layer && marks(layer);
  const size = marked?.observed.length ?? 0;
  if (!size) return;
  // They descend: the right arrow goes to the larger value, which comes earlier.
  place.spike = place.spike < 0 ? 0 : Math.min(Math.max(place.spike + step, 0), size - 1);
  const x = marked.observed[place.spike];
  const [low, high] = place.element.layout.xaxis.range;
  if (x < low || x > high) zoomTo(place, place.ranges.all);
  Plotly.Fx.hover(place.element, [{ curveNumber: 3, pointNumber: place.spike }]);
  place.status.textContent = `${marked.name} ${place.spike + 1} of ${size}: ` +
    marked.lines(place.spike).map((line) => line.join(" ")).join("; ");
}
function zoomBy(place, factor) {
  const [low, high] = place.element.layout.xaxis.range;
  zoomTo(place, [low, low + (high - low) * factor]);
}
for (const place of places) {
  place.element.addEventListener("keydown", (event) => {
    const actions = {
      ArrowRight: () => stepTo(place, -1), ArrowLeft: () => stepTo(place, 1),
      "+": () => zoomBy(place, 0.7), "-": () => zoomBy(place, 1 / 0.7),
      0: () => zoomTo(place, place.ranges[place.opening]),
    };
    if (!actions[event.key] || event.ctrlKey || event.metaKey || event.altKey || !place.drawn) return;
    event.preventDefault();
    actions[event.key]();
  });
  for (const button of place.buttons) {
    button.addEventListener("click", () => place.ranges[button.dataset.range] && zoomTo(place, place.ranges[button.dataset.range]));
  }
}

// ---- spikes and leading directions as tables, made when they are opened ------------------------
function cell(tag, text, scope) {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = "number";
  if (scope) made.scope = scope;
  return made;
}
// Of the whole signal, if the rest is white noise and signal orthogonal to the direction.
function otherReading(found) {
  if (found === null) return "–";
  if (found === true) return "agrees";
  const [theta, low, high, together] = found;
  const ends = `${short(low)} to ${high === null ? "∞" : short(high)}`;
  return `${short(theta)}, ${ends}${together > 1 ? ` (${together} together)` : ""}`;
}
const tables = {
  spikes: {
    head: ["#", "Observed", "θ before noise", "Interval", "Overlap left", "Overlap right", "p", "Isolated"],
    cells: (rows, i) => [
      i + 1, short(rows.observed[i]), short(rows.theta[i]), range(rows, i),
      ...["left", "right"].map((side) => spikeOverlap(rows, side, i)), rows.p[i] || data.tiny, rows.isolated[i] ? "yes" : "no",
    ],
  },
  leading: {
    head: ["#", "Observed", "Stands out", "θ against the rest", "θ in white noise", "Overlap left", "Overlap right"],
    cells: (rows, i) => [
      i + 1, short(rows.observed[i]), rows.out[i] ? "yes" : "no",
      // The spectrum may give no reading.
      rows.theta[i] === null ? "not readable" : `${short(rows.theta[i])}, ${range(rows, i)}`,
      otherReading(rows.signal[i]),
      ...["left", "right"].map((side) => (rows.theta[i] === null ? "–" : overlap(rows, side, i))),
    ],
  },
};
function fillTable(details) {
  const box = details.querySelector(".scroll");
  if (box.firstChild) return;
  const name = details.dataset.rows;
  const rows = data.layers[details.closest("[data-layer]").dataset.layer - 1][name];
  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  for (const title of tables[name].head) head.append(cell("th", title, "col"));
  const body = table.createTBody();
  rows.observed.forEach((_, i) => {
    body.insertRow().append(...tables[name].cells(rows, i).map((value) => cell("td", value)));
  });
  box.append(table);
}
for (const details of all("details.spikes")) {
  details.addEventListener("toggle", () => details.open && fillTable(details));
}

// ---- paper ------------------------------------------------------------------------------------
// Of a sheet of A4 or Letter; the window is wider, or narrower.
const PAPER = { width: 370, height: 230 };
addEventListener("beforeprint", () => {
  for (const place of places) {
    const [traces, figure] = place.figure(place, PAPER.height);
    const still = { ...config, staticPlot: true, responsive: false };
    Plotly.react(place.element, traces, { ...figure, ...PAPER, autosize: false }, still);
  }
});
addEventListener("afterprint", () => {
  for (const place of places) {
    Plotly.purge(place.element);
    place.drawn = false;
    watcher.unobserve(place.element);
    watcher.observe(place.element);
  }
});

// ---- start ------------------------------------------------------------------------------------
let watcher = null;
function watch() {
  // Charts far from the window are taken down again: a page of hundreds stays quick.
  watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const place = places.find((one) => one.element === entry.target);
      if (entry.isIntersecting && !place.drawn) draw(place);
      else if (!entry.isIntersecting && place.drawn) erase(place);
    }
  }, { rootMargin: "800px 0px" });
  for (const place of places) watcher.observe(place.element);
}
// The charts' library stands behind this script: it is there when the document is complete.
document.addEventListener("DOMContentLoaded", watch);
