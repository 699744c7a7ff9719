// Small parts of the page. Texts are set as texts, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

// Makes an element: its attributes, then its content, of elements and texts.
function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...content.filter((one) => one !== null));
  return made;
}

function drawing(name, attributes, ...content) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...content);
  return made;
}

function symbol(state) {
  return drawing("svg", { class: "symbol", "aria-hidden": "true" },
    drawing("use", { href: `#s-${state}` }));
}

// How each kind of day looks: a path for each, so that its shape says it without the colour.
const BLANK = "u";
const PITCH = 7;
const TALL = 18;
const SHAPES = {
  g: (x) => [["good", `M${x} 2h5v14h-5z`]],
  p: (x) => [["good", `M${x} 10h5v6h-5z`], ["failed-line", `M${x} 2l5 6m0-6l-5 6`]],
  f: (x) => [["failed-line", `M${x} 4l5 10m0-10l-5 10`]],
  m: (x) => [["missed", `M${x + 0.75} 2.75h3.5v12.5h-3.5z`]],
  w: (x) => [["waiting", `M${x} 10h5v6h-5z`]],
  s: (x) => [["quiet", `M${x} 14h5v2h-5z`]],
  n: (x) => [["quiet", `M${x + 1.5} 14h2v2h-2z`]],
  [BLANK]: () => [],
};

function strip(kinds) {
  const paths = new Map();
  [...kinds].forEach((kind, day) => {
    for (const [name, path] of SHAPES[kind](day * PITCH)) {
      paths.set(name, (paths.get(name) ?? "") + path);
    }
  });
  const width = kinds.length * PITCH - 2;
  return drawing("svg", {
    class: "strip", role: "img", "aria-label": stripInWords(kinds),
    viewBox: `0 0 ${width} ${TALL}`, width, height: TALL,
  }, ...[...paths].map(([name, d]) => drawing("path", { class: name, d })));
}

function stripInWords(kinds) {
  const counts = Object.entries(page.kinds)
    .map(([kind, name]) => [name, [...kinds].filter((one) => one === kind).length])
    .filter(([, count]) => count)
    .map(([name, count]) => `${count} ${name}`);
  return `Last ${kinds.length} days: ${counts.join(", ")}`;
}

// Text in which backticks enclose what is typed or written in a file.
function prose(text) {
  return text.split("`").map((part, n) => (n % 2 ? element("code", {}, part) : part));
}

const whole = new Intl.NumberFormat("en");
const tenths = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

function size(gib) {
  if (gib === null) return "not known";
  if (gib >= 10240) return `${tenths.format(gib / 1024)} TiB`;
  return `${gib < 100 ? tenths.format(gib) : whole.format(Math.round(gib))} GiB`;
}

function span(hours) {
  if (hours === null) return "none known";
  if (hours < 1) return "under 1 h";
  return hours < 72 ? `${Math.round(hours)} h` : `${Math.round(hours / 24)} days`;
}

const many = (count, one, more = `${one}s`) => `${whole.format(count)} ${count === 1 ? one : more}`;

function shellWord(text) {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
