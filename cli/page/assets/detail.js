// Everything about one disk, in a dialog.

const dialog = byId("detail");

function openDetail(disk) {
  ask({ disk: disk.disk_id });
}

function showDetail(disk) {
  const title = disk.name || disk.disk_id;
  dialog.replaceChildren(
    element("div", { class: "head" },
      element("h2", { id: "detail-title" }, title),
      element("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close")),
    element("p", { class: `state ${disk.state}` }, symbol(disk.state),
      element("strong", {}, STATES[disk.state]), disk.why ? `: ${disk.why}` : ""),
    todoOf(disk),
    factsOf(disk),
    tagsOf(disk),
    daysOf(disk));
  if (!dialog.open) dialog.showModal();
}

function todoOf(disk) {
  const commands = [`ecsnap explain ${shellWord(disk.disk_id)}`];
  if (disk.state === "overdue") {
    commands.push(`ecsnap request --disk ${shellWord(disk.disk_id)} --wait 30m`);
  }
  const problem = disk.problem === null ? null : page.problems[disk.problem];
  return element("section", { class: "todo" },
    element("h3", {}, problem ? "What to do" : "More about it"),
    problem ? element("p", {},
      problem.code ? element("code", {}, problem.code) : "", problem.code ? ": " : "",
      ...prose(problem.todo)) : null,
    ...commands.map((text) => element("pre", {}, element("code", {}, text))));
}

function factsOf(disk) {
  const kinds = [["of this project", disk.snapshots], ["native", disk.snapshots_native],
    ["other", disk.snapshots_other]].filter(([, count]) => count !== null);
  const facts = [
    ["Disk", disk.disk_id],
    ["Region", disk.region],
    ["Size", disk.size_gib === null ? "" : `${whole.format(disk.size_gib)} GiB`],
    ["Encrypted", disk.encrypted === null ? "" : disk.encrypted ? "yes" : "no"],
    ["Created", disk.created_at],
    ["Instances", disk.instance_ids.join(", ") || "none"],
    ["Policies", disk.policies.join(", ") || "none"],
    ["Native policy", disk.native_policy ?? ""],
    ["Newest good snapshot", disk.newest_good
      ? `${disk.newest_good}, ${disk.newest_good_at}, ${span(disk.age_hours)} old` : "none known"],
    ["Newest good of others", disk.newest_other_at],
    ["Allowed age", disk.max_age_hours === null ? "no limit" : `${disk.max_age_hours} h`],
    ["Last outcome", [disk.last_status, disk.last_code].filter(Boolean).join(" ")],
    ["Reason", disk.last_reason],
    ["Failures in 24 h", disk.failures === null ? "" : String(disk.failures)],
    ["Good snapshots", kinds.map(([name, count]) => `${whole.format(count)} ${name}`).join(", ")],
    ["All snapshots", disk.held_snapshots === null ? ""
      : `${whole.format(disk.held_snapshots)}, ${size(disk.held_gib)}`],
  ].filter(([, value]) => value);
  return element("dl", {}, ...facts.map(([name, value]) => element("div", {},
    element("dt", {}, name), element("dd", {}, value))));
}

function tagsOf(disk) {
  const tags = Object.entries(disk.tags);
  if (!tags.length) return element("p", { class: "minor" }, "No tags.");
  return element("section", {}, element("h3", {}, "Tags"),
    element("ul", { class: "tags" }, ...tags.map(([key, value]) => element("li", {},
      element("button", {
        type: "button", title: "Show the disks with this tag",
        onclick: () => ask({ tag: `${key}=${value}`, disk: "" }),
      }, `${key}=${value}`)))));
}

function daysOf(disk) {
  if (!disk.strip) return null;
  const days = page.dates.map((date, n) => [date, disk.strip[n]]).reverse();
  return element("section", {}, element("h3", {}, "Last 30 days"), strip(disk.strip),
    element("ol", { class: "days" }, ...days.map(([date, kind]) => element("li", {},
      element("time", {}, date), " ", element("span", {}, page.kinds[kind])))));
}
