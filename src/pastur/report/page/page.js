// Colours, filter and sorting: for every page. It stands in one scope with the page's own script.
const root = document.documentElement;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// What is drawn in the colours of the theme.
const redraws = [];

// ---- theme ----------------------------------------------------------------------------------
const themeButton = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";

function showTheme() {
  themeButton.textContent = isDark() ? "Light" : "Dark";
  themeButton.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colours`);
  for (const redraw of redraws) redraw();
}
themeButton.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  showTheme();
});
system.addEventListener("change", showTheme);

// ---- filter ---------------------------------------------------------------------------------
const rows = all("#layers tbody tr");
const find = document.getElementById("find");
const chips = all(".chip");
let kind = "";

function finder(input) {
  const words = input.value.trim().toLowerCase().split(/\s+/);
  return (text) => words.every((word) => text.toLowerCase().includes(word));
}
function announce(id, shown, total) {
  document.getElementById(id).textContent = shown === total ? "" : `${shown} of ${total} shown`;
}

function filter() {
  const found = finder(find);
  const shown = new Set();
  for (const row of rows) {
    const fits = (!kind || row.dataset.kind === kind) && found(row.querySelector("th").textContent);
    if (fits) shown.add(row.dataset.layer);
  }
  for (const item of all("[data-layer]")) item.hidden = !shown.has(item.dataset.layer);
  for (const note of all(".empty")) note.hidden = shown.size > 0;
  for (const heading of all(".group")) heading.hidden = !headed(heading).some((item) => !item.hidden);
  announce("shown", shown.size, rows.length);
}
for (const chip of chips) {
  chip.addEventListener("click", () => {
    kind = chip.dataset.kind;
    for (const other of chips) other.setAttribute("aria-pressed", String(other === chip));
    filter();
  });
}

// ---- groups ---------------------------------------------------------------------------------
const lists = [".strip-list", "#layers tbody", ".cards"].flatMap((selector) => all(selector));
const places_of = new Map(rows.map((row) => [row.dataset.layer, row.dataset]));
const groupButtons = all(".groups button");

// The items below a heading, up to the next one.
function headed(heading) {
  const items = [];
  for (let item = heading.nextElementSibling; item && !item.matches(".group"); item = item.nextElementSibling) items.push(item);
  return items;
}
function headingFor(list, text) {
  const made = document.createElement({ OL: "li", TBODY: "tr" }[list.tagName] ?? "p");
  made.className = "group";
  let cell = made;
  if (list.tagName === "TBODY") {
    cell = made.appendChild(document.createElement("th"));
    cell.scope = "rowgroup";
    cell.colSpan = rows[0].children.length;
  }
  cell.textContent = text;
  return made;
}
// Matrices of one block, or of one type, stand together; those that are alone come as "others".
function group(by) {
  const sizes = new Map();
  const named = (item) => places_of.get(item.dataset.layer)[by] ?? "";
  if (by) for (const row of rows) sizes.set(named(row), (sizes.get(named(row)) ?? 0) + 1);
  const key = (item) => (sizes.get(named(item)) > 1 ? named(item) : "");
  for (const heading of all(".group")) heading.remove();
  for (const list of lists) {
    const items = all(":scope > [data-layer]", list).sort((a, b) => a.dataset.layer - b.dataset.layer);
    const order = [...new Set(items.map(key))];
    for (const name of order) {
      if (order.length > 1) list.append(headingFor(list, name || "Others"));
      for (const item of items.filter((item) => key(item) === name)) {
        item.classList.toggle("in-block", by === "block" && name !== "" && order.length > 1);
        list.append(item);
      }
    }
  }
  for (const button of groupButtons) button.setAttribute("aria-pressed", String(button.dataset.group === by));
  for (const header of all("#layers [aria-sort]")) header.removeAttribute("aria-sort");
  if (!by) document.querySelector("#layers [data-column=number]")?.setAttribute("aria-sort", "ascending");
  filter();
}
for (const button of groupButtons) button.addEventListener("click", () => group(button.dataset.group));

// ---- filter of the skipped tensors ------------------------------------------------------------
const findSkipped = document.getElementById("find-skipped");
findSkipped?.addEventListener("input", () => {
  const found = finder(findSkipped);
  const skipped = all("#not-analysed tbody tr");
  for (const row of skipped) row.hidden = !found(row.textContent);
  announce("shown-skipped", skipped.filter((row) => !row.hidden).length, skipped.length);
});

// ---- sort -----------------------------------------------------------------------------------
const collator = new Intl.Collator("en", { numeric: true });

function key(row, column) {
  const cell = row.children[column];
  const text = cell.dataset.order ?? cell.textContent.trim();
  const value = Number(text);
  return text === "" ? null : Number.isNaN(value) ? text : value;
}
function sortBy(header) {
  const headers = [...header.parentNode.children];
  const column = headers.indexOf(header);
  const before = header.getAttribute("aria-sort");
  // Numbers: the largest first; names: in alphabetical order.
  const first = header.classList.contains("number") ? "descending" : "ascending";
  const second = first === "ascending" ? "descending" : "ascending";
  const order = before === first ? second : first;
  for (const other of headers) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", order);
  for (const heading of all("#layers .group")) heading.remove();
  for (const row of rows) row.classList.remove("in-block");
  const sign = order === "ascending" ? 1 : -1;
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
  const sorted = rows
    .map((row) => [key(row, column), row])
    .sort((a, b) =>
      // Rows without a value stay at the end, in either order.
      (a[0] === null) - (b[0] === null) ||
      sign * compare(a[0], b[0]) || a[1].dataset.layer - b[1].dataset.layer);
  sorted[0]?.[1].parentNode.append(...sorted.map(([, row]) => row));
}
for (const header of all("#layers th[data-column]")) {
  header.querySelector("button").addEventListener("click", () => sortBy(header));
}

// ---- how to read, and paper -------------------------------------------------------------------
const reading = document.getElementById("reading");
for (const link of all('a[href="#reading"]')) link.addEventListener("click", () => { reading.open = true; });

// On paper: light colours, and what is folded away open.
let before = null;
addEventListener("beforeprint", () => {
  before = { theme: root.dataset.theme, open: reading.open };
  root.dataset.theme = "light";
  reading.open = true;
});
addEventListener("afterprint", () => {
  if (before.theme) root.dataset.theme = before.theme;
  else delete root.dataset.theme;
  reading.open = before.open;
});

// ---- start ------------------------------------------------------------------------------------
function start() {
  themeButton.hidden = false;
  showTheme();
  const filters = document.querySelector(".filters");
  if (filters) {
    filters.hidden = false;
    find.addEventListener("input", filter);
    group(groupButtons.length ? "block" : "");
  }
  if (findSkipped) findSkipped.closest("p").hidden = false;
}
document.addEventListener("DOMContentLoaded", start);
