// What is asked, from the address and the controls; the rest of the page follows it.

let asked = readFragment(location.hash);

// Changes some of what is asked; the rest stays.
function ask(changes) {
  asked = { ...asked, ...changes };
  const here = location.pathname + location.search;
  history.replaceState(null, "", (writeFragment(asked) || `${here}#`));
  follow();
}

let last = "";

function follow() {
  const { disk, ...rows } = asked;
  const now = JSON.stringify(rows);
  if (now !== last) {
    last = now;
    showRows(chosen(asked));
    sayCount();
    showControls();
  }
  const found = disk === "" ? null : disks.find((one) => one.disk_id === disk);
  if (found) showDetail(found);
  else if (dialog.open) dialog.close();
}

let saying = 0;

function sayCount() {
  const count = table.shown.length;
  const text = count === disks.length
    ? many(count, "disk") : `${whole.format(count)} of ${many(disks.length, "disk")}`;
  const say = () => { byId("count").textContent = text; };
  clearTimeout(saying);
  if (byId("count").textContent === "") say();
  // Not for each letter that is typed, because a screen reader says each change.
  else saying = setTimeout(say, 250);
}

const PROBLEMS_AT_FIRST = 6;
const NAMED = ["state", "region", "policy", "sort"];

function showControls() {
  for (const name of NAMED) byId(`f-${name}`).value = asked[name];
  if (document.activeElement !== byId("f-search")) byId("f-search").value = asked.q;
  if (document.activeElement !== byId("f-tag")) byId("f-tag").value = asked.tag;
  for (const button of document.querySelectorAll("[data-state]")) {
    button.setAttribute("aria-pressed", String(button.dataset.state === asked.state));
  }
  for (const button of document.querySelectorAll("[data-problem]")) {
    button.setAttribute("aria-pressed", String(button.dataset.problem === asked.problem));
  }
  for (const head of document.querySelectorAll("[data-order]")) {
    const name = head.dataset.order;
    const way = { [name]: "ascending", [`-${name}`]: "descending" }[asked.sort] ?? "none";
    head.setAttribute("aria-sort", way);
  }
  const { sort, disk, ...filters } = asked;
  byId("clear").hidden = Object.values(filters).every((value) => value === "");
  measure();
}

function fillFigures() {
  const { figures } = page;
  const share = (count) => (figures.disks ? `${tenths.format((100 * count) / figures.disks)} %` : "");
  const counted = (state) => [state, whole.format(figures[state]), STATES[state], share(figures[state])];
  const tiles = [
    counted("protected"), counted("overdue"), counted("unprotected"),
    [FAILED, figures.failures === null ? "–" : whole.format(figures.failures), "Failures in 24 h",
      figures.failures === null ? "not known" : figures.failures ? `on ${many(figures.failed_disks, "disk")}` : "none"],
    ["", figures.snapshots === null ? "–" : whole.format(figures.snapshots), "Snapshots held",
      figures.held_gib === null ? "not known" : size(figures.held_gib)],
    ["", figures.open_runs === null ? "–" : whole.format(figures.open_runs), "Open runs",
      figures.open_runs === null ? "not known" : "not ended yet"],
  ];
  byId("figures").append(...tiles.map(([state, number, label, more]) => {
    const content = [
      element("span", { class: "label" }, Object.hasOwn(STATES, state) ? symbol(state) : null, label),
      element("span", { class: "number" }, number), element("span", { class: "more" }, more)];
    if (!state) return element("li", {}, element("div", { class: "tile" }, ...content));
    const isZero = number === "0" || number === "–";
    return element("li", {}, element("button", {
      type: "button", class: `tile ${state}${isZero ? " zero" : ""}`, "data-state": state, "aria-pressed": "false",
      onclick: () => ask({ state: asked.state === state ? "" : state, problem: "" }),
    }, ...content));
  }));
  const parts = ["protected", "overdue", "unprotected", "not_supported", "excluded"]
    .filter((state) => figures[state]);
  byId("share").append(...parts.map((state) => {
    const part = element("span", { class: state });
    part.style.flexGrow = figures[state];
    return part;
  }));
  byId("share").setAttribute("aria-label", parts
    .map((state) => `${STATES[state]} ${whole.format(figures[state])}`).join(", ") || "No disks");
}

function fillProblems() {
  byId("problems").hidden = page.problems.length === 0;
  const count = page.problems.reduce((sum, one) => sum + one.disks, 0);
  byId("problem-count").textContent = many(count, "disk");
  const rows = page.problems.map((problem, number) => element("li", {
    class: problem.state, hidden: number >= PROBLEMS_AT_FIRST,
  },
  element("button", {
    type: "button", "data-problem": keyOf(problem), "aria-pressed": "false",
    onclick: () => ask({ problem: asked.problem === keyOf(problem) ? "" : keyOf(problem), state: "" }),
  }, symbol(problem.state === "protected" ? "overdue" : problem.state), many(problem.disks, "disk")),
  element("p", { class: "title" }, element("strong", {}, STATES[problem.state]), ": ",
    problem.title, problem.title && problem.code ? ", " : "",
    problem.code ? element("code", {}, problem.code) : ""),
  element("p", { class: "todo" }, ...prose(problem.todo))));
  byId("problem-list").append(...rows);
  const hidden = rows.filter((row) => row.hidden);
  byId("more").hidden = hidden.length === 0;
  byId("more").textContent = `Show ${many(hidden.length, "more problem")}`;
  byId("more").addEventListener("click", () => {
    for (const row of hidden) row.hidden = false;
    byId("more").hidden = true;
    hidden[0].querySelector("button").focus();
    drawRows();
  });
}

function fillHeads() {
  byId("heads").append(...Object.entries(ORDERS).map(([name, { label, first = "" }]) => element("th",
    { role: "columnheader", scope: "col", class: `c-${name === "bad" ? "days" : name}`,
      "data-order": name, "aria-sort": "none" },
    element("button", { type: "button", onclick: () => turn(name, first) }, label))));
}

// A column is sorted one way, then the other, then not.
function turn(name, first) {
  const other = first ? name : `-${name}`;
  ask({ sort: { [first + name]: other, [other]: "" }[asked.sort] ?? first + name });
}

function options(select, pairs) {
  byId(select).append(...pairs.map(([value, label]) => element("option", { value }, label)));
}

function fillFilters() {
  const states = Object.entries(STATES).map(([state, label]) =>
    [state, `${label} (${whole.format(page.figures[state])})`]);
  const failed = page.figures.failures === null ? [] : [[FAILED, "Failed in 24 h"]];
  options("f-state", [["", "All"], ...states, ...failed]);
  const listed = (values) => values.sort(byWords.compare).map((value) => [value, value]);
  options("f-region", [["", "All"], ...listed(frequent((disk) => [disk.region], Infinity))]);
  const policies = listed(frequent((disk) => disk.policies, Infinity));
  options("f-policy", [["", "All"], ...policies, [NO_POLICY, "No policy"]]);
  options("f-sort", [["", "Problems first"], ...Object.entries(ORDERS).flatMap(([name, order]) => [
    [name, `${order.label}: ${order.ways[0]}`], [`-${name}`, `${order.label}: ${order.ways[1]}`],
  ])]);
  const tags = frequent((disk) => Object.entries(disk.tags).map(([key, value]) => `${key}=${value}`), 300);
  byId("tags").append(...tags.map((value) => element("option", { value })));
}

function fillPage() {
  const from = page.is_live ? "snapshots as listed in ECS" : "snapshots as recorded in 30 days";
  byId("about").textContent =
    `Deployment ${page.deployment} · ${page.at} ${page.zone} · ${from}`;
  document.documentElement.classList.toggle("held-unknown", page.figures.held_gib === null);
  byId("missing").hidden = page.missing.length === 0;
  byId("missing").append(...page.missing.map((text) => element("span", {}, text)));
  byId("notes").textContent = [
    ...page.notes, `Days and times are in ${page.zone}.`,
    "Written by ecsnap coverage --html; it changes when it is written again.",
  ].join(" ");
  const seen = new Set(disks.map((disk) => disk.strip).join(""));
  const shown = Object.keys(page.kinds).filter((kind) => seen.has(kind));
  byId("legend").append(...shown.map((kind) => {
    if (kind === BLANK) return element("span", {}, `blank: ${page.kinds[kind]}`);
    const sign = strip(kind);
    sign.setAttribute("aria-hidden", "true");
    return element("span", {}, sign, page.kinds[kind]);
  }));
}

function listen() {
  const clear = () => {
    byId("f-search").value = "";
    byId("f-tag").value = "";
    ask({ ...NOTHING, sort: asked.sort });
    byId("f-search").focus();
  };
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("f-search").addEventListener("input", () => ask({ q: byId("f-search").value }));
  const tag = byId("f-tag");
  // At once if it is a tag or was chosen from the list, and else when it is typed to its end.
  tag.addEventListener("input", () => {
    const value = tag.value.trim();
    if (value === "" || disks.some((disk) => hasTag(disk, value))) ask({ tag: value });
  });
  tag.addEventListener("change", () => ask({ tag: tag.value.trim() }));
  for (const name of NAMED) {
    byId(`f-${name}`).addEventListener("change", (event) => ask({ [name]: event.target.value }));
  }
  byId("clear").addEventListener("click", clear);
  byId("clear-too").addEventListener("click", clear);
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    moveTo(table.current);
  });
  body.addEventListener("keydown", onKey);
  body.addEventListener("focusin", (event) => {
    const row = event.target.closest("tr");
    if (row) table.current = Number(row.getAttribute("aria-rowindex")) - 2;
  });
  dialog.addEventListener("close", () => {
    if (asked.disk !== "") ask({ disk: "" });
    table.drawn.get(table.current)?.querySelector(".open").focus({ preventScroll: true });
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  addEventListener("hashchange", () => { asked = readFragment(location.hash); follow(); });
  let waiting = false;
  addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; drawRows(); });
  }, { passive: true });
  addEventListener("resize", () => {
    measure();
    for (const row of table.drawn.values()) row.remove();
    table.drawn.clear();
    drawRows();
  });
  addEventListener("beforeprint", drawForPrint);
  addEventListener("afterprint", drawAfterPrint);
}

fillPage();
fillFigures();
fillProblems();
fillHeads();
fillFilters();
listen();
follow();
byId("no-script").remove();
// For `make bench-page`: when the first rows are seen.
requestAnimationFrame(() => setTimeout(() => performance.mark("rows painted")));
