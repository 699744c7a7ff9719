// The facts of the page and what is asked of them. Never touches the document but to read them.

const page = JSON.parse(document.getElementById("data").textContent);
const STATES = {
  overdue: "Overdue",
  unprotected: "Unprotected",
  protected: "Protected",
  excluded: "Excluded",
  not_supported: "Not supported",
};
const FAILED = "failed";

// By what a problem is known in an address, whatever its number on a later page is.
const keyOf = (problem) => (problem.code ? `${problem.state}:${problem.code}` : problem.state);

const disks = page.rows.map((values, at) => {
  const disk = { at };
  page.fields.forEach((name, n) => { disk[name] = values[n]; });
  return disk;
});

const byWords = new Intl.Collator("en", { numeric: true });
// What is not known comes last, whichever way a column is sorted.
const unknown = (a, b) => (a === null ? 1 : 0) - (b === null ? 1 : 0);
const numbers = (value) => (a, b, way) =>
  unknown(value(a), value(b)) || way * ((value(a) ?? 0) - (value(b) ?? 0));

const isBad = (kind) => "fpm".includes(kind);

// By what the rows can be sorted; each compares two disks. `first` is the way of the first click.
const ORDERS = {
  state: {
    label: "State", ways: ["problems first", "problems last"],
    compare: (a, b, way) => way * (a.at - b.at),
  },
  name: {
    label: "Disk", ways: ["A to Z", "Z to A"],
    compare: (a, b, way) => way * byWords.compare(a.name || a.disk_id, b.name || b.disk_id),
  },
  policy: {
    label: "Policies", ways: ["A to Z", "Z to A"],
    compare: (a, b, way) => !a.policies.length - !b.policies.length
      || way * byWords.compare(a.policies.join(), b.policies.join()),
  },
  age: {
    label: "Newest good", ways: ["newest first", "oldest first"], first: "-",
    compare: numbers((disk) => disk.age_hours),
  },
  bad: {
    label: "Last 30 days", ways: ["fewest problems", "most problems"], first: "-",
    compare: numbers((disk) => (disk.strip ? [...disk.strip].filter(isBad).length : null)),
  },
  held: {
    label: "Held", ways: ["least first", "most first"], first: "-",
    compare: numbers((disk) => disk.held_gib),
  },
};

const NOTHING = { q: "", state: "", region: "", policy: "", tag: "", problem: "", sort: "", disk: "" };
const NO_POLICY = "(none)";

// What is asked stands in the address after `#`, so that it can be kept and sent.
function readFragment(fragment) {
  const given = new URLSearchParams(fragment.replace(/^#/, ""));
  const asked = { ...NOTHING };
  for (const name of Object.keys(NOTHING)) asked[name] = given.get(name) ?? "";
  if (!Object.hasOwn(ORDERS, asked.sort.replace(/^-/, ""))) asked.sort = "";
  if (!Object.hasOwn(STATES, asked.state) && asked.state !== FAILED) asked.state = "";
  if (!page.problems.some((one) => keyOf(one) === asked.problem)) asked.problem = "";
  return asked;
}

function writeFragment(asked) {
  const given = Object.entries(asked).filter(([, value]) => value !== "");
  return given.length ? `#${new URLSearchParams(given)}` : "";
}

// Everything of a disk that a search looks at; made once for each disk.
function textOf(disk) {
  disk.text ??= [
    disk.disk_id, disk.name, disk.region, disk.why, disk.newest_good, disk.native_policy,
    disk.last_code, disk.last_reason, ...disk.instance_ids, ...disk.policies,
    ...Object.entries(disk.tags).map(([key, value]) => `${key}=${value}`),
  ].join("\n").toLowerCase();
  return disk.text;
}

function hasTag(disk, wanted) {
  if (Object.hasOwn(disk.tags, wanted)) return true;
  // A key or a value may contain the sign itself.
  return Object.entries(disk.tags).some(([key, value]) => `${key}=${value}` === wanted);
}

function fits(disk, asked, parts) {
  return (asked.state === "" || (asked.state === FAILED ? disk.failures > 0 : disk.state === asked.state))
    && (asked.problem === ""
      || (disk.problem !== null && keyOf(page.problems[disk.problem]) === asked.problem))
    && (asked.region === "" || disk.region === asked.region)
    && (asked.policy === "" || (asked.policy === NO_POLICY
      ? !disk.policies.length : disk.policies.includes(asked.policy)))
    && (asked.tag === "" || hasTag(disk, asked.tag))
    && parts.every((part) => textOf(disk).includes(part));
}

// Returns the disks that fit, in the order that is asked for.
function chosen(asked) {
  const parts = asked.q.toLowerCase().split(/\s+/).filter(Boolean);
  const found = disks.filter((disk) => fits(disk, asked, parts));
  const order = ORDERS[asked.sort.replace(/^-/, "")];
  const way = asked.sort.startsWith("-") ? -1 : 1;
  return order ? found.sort((a, b) => order.compare(a, b, way) || a.at - b.at) : found;
}

// Returns the values that disks have, the most frequent first.
function frequent(valuesOf, most) {
  const counts = new Map();
  for (const disk of disks) {
    for (const value of valuesOf(disk)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const ordered = [...counts].sort((a, b) => b[1] - a[1] || byWords.compare(a[0], b[0]));
  return ordered.slice(0, most).map(([value]) => value);
}
