// The table of disks: only the rows that are seen are in the document, and some around them.

const AROUND = 12;
const MOST_PRINTED = 2000;

const table = {
  shown: [],
  drawn: new Map(),
  current: 0,
  height: 0,
  isPrinting: false,
};
const body = byId("rows");

function cell(name, ...content) {
  return element("td", { role: "cell", class: name }, ...content);
}

function line(name, text) {
  return element("div", { class: name, title: text }, text);
}

function rowOf(disk, at) {
  const title = disk.name || disk.disk_id;
  const button = element("button", {
    type: "button", class: "open", tabindex: "-1", "aria-haspopup": "dialog", title,
    "aria-label": disk.name ? `${disk.name}, ${disk.disk_id}` : disk.disk_id,
  }, title);
  const row = element("tr", { role: "row", "aria-rowindex": at + 2, class: disk.state },
    cell("c-state", symbol(disk.state), element("span", {}, STATES[disk.state])),
    cell("c-disk", button, element("div", { class: "minor" },
      disk.name ? element("span", { class: "id" }, disk.disk_id) : null,
      element("span", {}, disk.region))),
    cell("c-policy",
      disk.policies.length ? line("major", disk.policies.join(", ")) : line("major lacking", "no policy"),
      line("minor", reason(disk))),
    cell("c-age", line("major", span(disk.age_hours)),
      line("minor", disk.max_age_hours === null ? "" : `of ${disk.max_age_hours} h`)),
    cell("c-days", disk.strip ? strip(disk.strip) : element("span", { class: "minor" }, "not known")),
    cell("c-held", line("major", disk.held_snapshots === null ? "" : disk.held_snapshots
        ? many(disk.held_snapshots, "snapshot") : "no snapshots"),
      line("minor", disk.held_gib ? size(disk.held_gib) : "")));
  row.addEventListener("click", () => {
    if (String(getSelection())) return;
    table.current = at;
    openDetail(disk);
  });
  return row;
}

// The age is in a column of its own, so of what is known the code says most.
function reason(disk) {
  if (disk.why === "no policy takes it") return "";
  return disk.problem !== null && disk.last_code
    ? `last run: ${disk.last_code}` : disk.why;
}

// Shows other disks, from the first.
function showRows(shown) {
  table.shown = shown;
  table.current = 0;
  for (const row of table.drawn.values()) row.remove();
  table.drawn.clear();
  byId("disks").setAttribute("aria-rowcount", shown.length + 1);
  byId("none").hidden = shown.length > 0;
  byId("disks").hidden = shown.length === 0;
  drawRows();
}

function measure() {
  const probe = element("div", { class: "probe" });
  document.body.append(probe);
  table.height = probe.getBoundingClientRect().height;
  probe.remove();
  const filters = byId("filters");
  const isFixed = getComputedStyle(filters).position === "sticky";
  document.documentElement.style.setProperty(
    "--head-top", isFixed ? `${filters.getBoundingClientRect().height}px` : "0");
}

function drawRows() {
  if (table.isPrinting) return;
  if (!table.height) measure();
  const { shown, height } = table;
  body.style.height = `${shown.length * height}px`;
  const top = -body.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor(top / height) - AROUND);
  const last = Math.min(shown.length, Math.ceil((top + innerHeight) / height) + AROUND);
  for (const [at, row] of table.drawn) {
    const isKept = row.contains(document.activeElement);
    if ((at < first || at >= last) && !isKept) {
      row.remove();
      table.drawn.delete(at);
    }
  }
  for (let at = first; at < last; at += 1) if (!table.drawn.has(at)) insert(at);
  markCurrent(Math.max(0, Math.ceil(top / height)), last);
}

// Puts a row where it belongs, because readers follow the order of the document.
function insert(at) {
  const row = rowOf(table.shown[at], at);
  row.style.top = `${at * table.height}px`;
  let next = null;
  for (const [other, drawn] of table.drawn) {
    if (other > at && (next === null || other < next[0])) next = [other, drawn];
  }
  body.insertBefore(row, next ? next[1] : null);
  table.drawn.set(at, row);
}

// One row is reached by the Tab key: the current one, or the first that is seen.
function markCurrent(first, last) {
  const isSeen = table.current >= first && table.current < last;
  const reached = isSeen ? table.current : first;
  for (const [at, row] of table.drawn) {
    row.querySelector(".open").tabIndex = at === reached ? 0 : -1;
  }
}

function moveTo(at) {
  const { shown, height } = table;
  if (!shown.length) return;
  const next = Math.min(Math.max(at, 0), shown.length - 1);
  table.current = next;
  const top = body.getBoundingClientRect().top + next * height;
  const above = byId("heads").getBoundingClientRect().bottom;
  const head = above > 0 && above < innerHeight / 2 ? above : 0;
  if (top < head) scrollBy(0, top - head);
  else if (top + height > innerHeight) scrollBy(0, top + height - innerHeight);
  drawRows();
  table.drawn.get(next)?.querySelector(".open").focus({ preventScroll: true });
}

const MOVES = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + 10,
  PageUp: (at) => at - 10,
  Home: () => 0,
  End: () => table.shown.length - 1,
};

function onKey(event) {
  const move = Object.hasOwn(MOVES, event.key) ? MOVES[event.key] : null;
  const row = event.target.closest("tr");
  if (!move || !row || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  moveTo(move(Number(row.getAttribute("aria-rowindex")) - 2));
}

// On paper every row is drawn, up to a number that is said.
function drawForPrint() {
  table.isPrinting = true;
  const most = Math.min(table.shown.length, MOST_PRINTED);
  body.replaceChildren(...table.shown.slice(0, most).map(rowOf));
  table.drawn.clear();
  byId("printed").textContent = most < table.shown.length
    ? `The first ${whole.format(most)} of ${many(table.shown.length, "disk")}; `
      + "ecsnap coverage --json has all."
    : "";
}

function drawAfterPrint() {
  table.isPrinting = false;
  body.replaceChildren();
  drawRows();
}
