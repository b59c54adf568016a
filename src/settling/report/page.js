"use strict";
// Draws the figures, and fills the explorer and the table of words. Text is only ever set as text, never as markup.

const dark = matchMedia("(prefers-color-scheme: dark)");
const read = (id) => JSON.parse(document.getElementById(id).textContent);

// Figures

// `ast`: Vega interprets its expressions, so that the page needs no right to evaluate code.
const OPTIONS = { ast: true, actions: false, renderer: "svg" };

function hsl(hex) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
  const most = Math.max(red, green, blue), least = Math.min(red, green, blue), spread = most - least;
  const light = (most + least) / 2;
  if (!spread) return [0, 0, light];
  const turn = most === red ? ((green - blue) / spread + 6) % 6 : most === green ? (blue - red) / spread + 2 : (red - green) / spread + 4;
  return [turn * 60, spread / (1 - Math.abs(2 * light - 1)), light];
}

// On a dark ground greys are inverted and colours lightened; the darker of two colours stays the darker.
function lifted(hex) {
  const [hue, saturation, light] = hsl(hex);
  const lightness = saturation ? 0.42 + 0.5 * light : 1 - 0.8 * light;
  return `hsl(${hue.toFixed(0)}, ${(100 * saturation).toFixed(0)}%, ${(100 * lightness).toFixed(0)}%)`;
}

// A chart is WHOLE pixels wide, FIXED of them beside its panels. In a narrow box its panels are narrower, down to LEAST,
// and the browser scales the rest, until text of SMALLEST pixels would be shown with less than LEGIBLE; then the box scrolls.
const WHOLE = 940, FIXED = 220, LEAST = 130, SMALLEST = 11, LEGIBLE = 8;

function fitted(spec, room) {
  const share = Math.min(1, (room * (SMALLEST / LEGIBLE) - FIXED) / (WHOLE - FIXED));
  const width = (key, value) => (/^(width|continuousWidth)$/.test(key) && typeof value === "number" ? Math.max(Math.min(LEAST, value), Math.round(share * value)) : value);
  return share < 1 ? JSON.parse(JSON.stringify(spec), width) : spec;
}

// The page has the title and the notes already.
function themed({ title, ...spec }) {
  // A text of the data that looks like a colour, such as #decade, stays as it is.
  const colour = (key, value) => (key !== "text" && /^#[0-9a-f]{6}$/i.test(value) ? lifted(value) : value);
  const copy = dark.matches ? JSON.parse(JSON.stringify(spec), colour) : structuredClone(spec);
  copy.config = { ...copy.config, background: "transparent" };
  return copy;
}

async function draw(box, spec) {
  box.dataset.state = "drawing";
  const label = box.getAttribute("aria-label");
  const { view } = await vegaEmbed(box, fitted(themed(spec), box.clientWidth), { ...OPTIONS, tooltip: { theme: dark.matches ? "dark" : "light" } });
  const svg = box.querySelector("svg");
  svg.style.minWidth = `${Math.floor(svg.viewBox.baseVal.width * (LEGIBLE / SMALLEST))}px`;
  // vega-embed changes the role and the label of the box; both are set back.
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", label);
  box.dataset.state = "drawn";
  return view;
}

const boxes = [...document.querySelectorAll("[data-spec]")];
const drawn = new Set();

async function show(box) {
  if (drawn.has(box)) return;
  drawn.add(box);
  await draw(box, read(box.dataset.spec));
}

const watcher = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) show(target);
  },
  { rootMargin: "800px" },
);
for (const box of boxes) watcher.observe(box);

// The other figures are drawn while the browser is idle, so that a printed page has them all.
async function others() {
  const box = boxes.find((one) => !drawn.has(one));
  if (!box) return;
  await show(box);
  requestIdleCallback(others);
}
requestIdleCallback(others);
dark.addEventListener("change", () => {
  for (const box of drawn) draw(box, read(box.dataset.spec));
  explore();
});

async function save(name) {
  const figure = await vegaEmbed(document.createElement("div"), read(`spec-${name}`), OPTIONS);
  const link = document.createElement("a");
  link.href = await figure.view.toImageURL("svg");
  link.download = `${name}.svg`;
  link.click();
  figure.finalize();
}
for (const button of document.querySelectorAll("[data-save]")) button.addEventListener("click", () => save(button.dataset.save));

// Filters

function element(tag, text, properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) made.textContent = text;
  return made;
}

function field(form, name, control) {
  const label = element("label", name, { className: control.type === "checkbox" ? "check" : "" });
  label.append(control);
  form.append(label);
  return control;
}

// `options`: pairs of value and text. The chosen option stays chosen if it is still there.
function offer(select, options) {
  const before = select.value;
  select.replaceChildren(...options.map(([value, text]) => element("option", text, { value })));
  if (options.some(([value]) => String(value) === before)) select.value = before;
}

const distinct = (values) => [...new Set(values)];
const same = (value) => [value, value];

// The run explorer

const explorer = read("explorer-data");
const choice = {};
{
  const form = document.getElementById("explorer-filters");
  for (const name of ["data set", "treatment", "system", "curve"]) {
    choice[name] = field(form, name, element("select"));
    choice[name].addEventListener("change", explore);
  }
  form.addEventListener("submit", (event) => event.preventDefault());
}

// Runs that agree with the selects, each of which offers what those before it leave.
function chosenRuns() {
  let runs = explorer.runs;
  ["data set", "treatment", "system"].forEach((name, column) => {
    offer(choice[name], distinct(runs.map((run) => run[column])).map(same));
    runs = runs.filter((run) => run[column] === choice[name].value);
  });
  const had = distinct(runs.flatMap((run) => run[5].map(([curve]) => curve)));
  const preferred = (curve) => { const [split, , , name, metric] = explorer.curves[curve]; return split === "dev" && name === "all" && metric === "f1" ? 0 : 1; };
  offer(choice.curve, had.sort((a, b) => preferred(a) - preferred(b) || a - b).map((curve) => [curve, explorer.names[curve]]));
  return runs;
}

function phasesOf(ends, epochs) {
  if (!ends) return [["no settling", 0, epochs]];
  // Whether it settles is undefined.
  if (!ends.length) return [];
  const [fitting, settling] = ends;
  return [["fitting", 0, fitting], ["settling", fitting, fitting + settling], ["memorisation", fitting + settling, epochs]].filter(([, from, to]) => to > from);
}

function explore() {
  const runs = chosenRuns();
  const curve = Number(choice.curve.value);
  const data = { curves: [], marks: [], phases: [] };
  let undecided = 0;
  for (const [, , , noiseSeed, seed, values, ends] of runs) {
    const run = `seed ${seed}, noise seed ${noiseSeed}`;
    const curveOfRun = values.find(([number]) => number === curve);
    if (!curveOfRun) continue;
    if (ends && !ends.length) undecided += 1;
    curveOfRun[1].forEach((value, epoch) => data.curves.push({ run, epoch, value }));
    for (const [phase, from, to] of phasesOf(ends, curveOfRun[1].length)) data.phases.push({ run, phase, from: from - 0.5, to: to - 0.5, epochs: to - from });
    if (ends?.length) {
      const [first, last] = [ends[0], ends[0] + ends[1] - 1];
      data.marks.push({ run, epoch: first, value: curveOfRun[1][first], mark: "first settled epoch" }, { run, epoch: last, value: curveOfRun[1][last], mark: "last settled epoch" });
    }
  }
  const settled = data.marks.length / 2, number = distinct(data.curves.map(({ run }) => run)).length;
  const name = `${choice.system.value} on ${choice["data set"].value}, ${choice.treatment.value}: ${explorer.names[curve]}`;
  const [split, , , of] = explorer.curves[curve];
  const missing = data.curves.some(({ value }) => value === null) ? ` Undefined where ${split} has no ${of === "all" ? "entity" : `mention of ${of}`}.` : "";
  const settling = undecided === number ? "; whether they settle is undefined" : `, of which ${settled} settle${settled === 1 ? "s" : ""}${undecided ? `, and ${undecided} cannot be told` : ""}`;
  const status = `${name}. ${number} run${number === 1 ? "" : "s"}${settling}.${missing}`;
  document.getElementById("explorer-status").textContent = status;
  const box = document.getElementById("explorer-chart");
  box.setAttribute("aria-label", status);
  return draw(box, { ...explorer.chart, description: status, datasets: data });
}

// The words

const words = read("words-data");
const PAGE = 100;
const ANY = "";
const column = Object.fromEntries(words.columns.map((name, index) => [name, index]));
const nameOf = (row, name) => words.names[row[column[name]]] ?? "";
const TITLES = ["Rank", "Word in its sentence", "Label", "Given", "Predicted instead", "Forgotten", "First learned", "Loss", "Runs", "Where"];
const KEYS = { "data set": "dataset", treatment: "treatment", system: "system", view: "view", list: "list" };
const filters = {};
let limit = PAGE;
{
  const form = document.getElementById("words-filters");
  for (const name of Object.keys(KEYS)) filters[name] = field(form, name, element("select"));
  filters.text = field(form, "text", element("input", undefined, { type: "search" }));
  filters.wrong = field(form, "wrong labels only", element("input", undefined, { type: "checkbox" }));
  for (const [name, key] of Object.entries(KEYS)) {
    const values = distinct(words.rows.map((row) => nameOf(row, key))).sort();
    const options = key === "list" ? words.lists.filter(([value]) => values.includes(value)) : values.map(same);
    offer(filters[name], [[ANY, "any"], ...options]);
    if (key === "list" && options.length) filters[name].value = options[0][0];
  }
  const refresh = () => { limit = PAGE; list(); };
  form.addEventListener("input", refresh);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("words-more").addEventListener("click", () => { limit += PAGE; list(); });
}

function matches(row) {
  if (filters.wrong.checked && !row[column.noisy]) return false;
  for (const [name, key] of Object.entries(KEYS)) if (filters[name].value !== ANY && nameOf(row, key) !== filters[name].value) return false;
  const text = filters.text.value.trim().toLowerCase();
  if (!text) return true;
  const [, , before, token, after] = words.quotes[row[column.quote]] ?? [];
  return [`${before} ${token} ${after}`, nameOf(row, "true_label"), nameOf(row, "given_label"), nameOf(row, "mistaken_for")].some((part) => part.toLowerCase().includes(text));
}

// A word in its sentence; where the text may not be passed on, the numbers of the sentence and of the word.
function sentence(row) {
  const [number, position, before, token, after] = words.quotes[row[column.quote]] ?? [];
  const cell = element("td", undefined, { className: "sentence" });
  cell.append(before ? `${before} ` : "", element("mark", token), after ? ` ${after}` : "");
  if (!before && !after) cell.append(` (sentence ${number}, word ${position})`);
  return cell;
}

// One decimal of a mean of counts, none where it is whole.
const short = (value) => String(Number(value.toFixed(1)));

// The rows of the table that are shown, as CSV; a cell that a spreadsheet would run is made text.
function savedWords() {
  const cell = (text) => `"${(/^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? "'" : "") + text.replaceAll('"', '""')}"`;
  const rows = [...document.querySelectorAll("#words-table tr")].map((row) => [...row.children].map(({ textContent }) => cell(textContent)).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${rows.join("\r\n")}\r\n`], { type: "text/csv" }));
  link.download = "words.csv";
  link.click();
  URL.revokeObjectURL(link.href);
}
document.getElementById("words-save").addEventListener("click", savedWords);

function line(row) {
  const made = document.createElement("tr");
  const plain = (value) => element("td", value);
  const where = [nameOf(row, "dataset"), nameOf(row, "treatment"), `noise seed ${row[column.noise_seed]}`, nameOf(row, "system"), nameOf(row, "view")].join(", ");
  made.append(
    plain(row[column.rank]), sentence(row), plain(nameOf(row, "true_label")),
    plain(nameOf(row, "given_label") + (row[column.noisy] ? " (wrong)" : "")), plain(nameOf(row, "mistaken_for") || "–"),
    plain(short(row[column.forgetting])), plain(short(row[column.first_learned])), plain(row[column.loss].toFixed(2)),
    plain(row[column.n]), plain(where),
  );
  return made;
}

function list() {
  const matching = words.rows.filter(matches);
  const head = document.createElement("thead"), titles = document.createElement("tr"), body = document.createElement("tbody");
  titles.append(...TITLES.map((title) => element("th", title, { scope: "col" })));
  head.append(titles);
  body.append(...matching.slice(0, limit).map(line));
  document.getElementById("words-table").replaceChildren(head, body);
  document.getElementById("words-more").hidden = matching.length <= limit;
  document.getElementById("words-status").textContent = `${Math.min(limit, matching.length)} of ${matching.length} rows shown.`;
}

explore();
list();
