// The wall: takes the stream of updates and puts them into the page. Nothing is kept but the last update.

const STALE_MS = 5_000; // updates come every second at least
const RECONNECT_MS = 10_000; // silent for so long: the connection is dead, whatever the browser thinks
const RETRY_MS = 2_000;
const ROWS = 5; // shown however small the screen is
const WIDE = 1100; // px; where the page is a wall, as wall.css says
const OPEN_ITEMS = 10;
const OTHER_SPIKES = 2; // named beside the worst
const THIN = "\u202f";

const find = (id) => document.getElementById(id);
const shown = new WeakMap(); // button -> the number it shows
const live = new Map(); // element -> since when it counts up, ms of the board's clock; elements stay in the page
let update = null;
let trends = { lines: {}, bands: {} };
let received = 0; // performance.now() of the last update
let every = false; // all queues are shown

// ---- words: as streamer/board/words.py says them --------------------------------------------------------------------

const digits = (value) => String(parseFloat(value.toPrecision(3)));

function spoken(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  for (const [size, unit, below, small] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
    if (whole >= size) {
      const rest = Math.floor((whole % size) / below);
      const first = `${Math.floor(whole / size)}${THIN}${unit}`;
      return rest ? `${first} ${rest}${THIN}${small}` : first;
    }
  }
  return `${whole}${THIN}s`;
}

function bare(value, unit) {
  if (unit === "ratio") return value < 1 ? digits(100 * value) : (100 * value).toFixed(0);
  return Math.abs(value) >= 1000 ? `${digits(value / 1000)}${THIN}k` : digits(value);
}

function amount(value, unit) {
  if (value == null) return "-";
  if (unit === "seconds") return spoken(value);
  return unit === "ratio" ? `${bare(value, unit)}${THIN}%` : bare(value, unit);
}

function lasting(window) {
  if (!window) return "now";
  const unit = { m: "min", h: "h", d: "d" }[window.slice(-1)];
  return window === "today" ? "today" : `last ${window.slice(0, -1)}${THIN}${unit}`;
}

const NOUNS = { service_level_ratio: "contacts", abandon_ratio: "contacts", first_response: "replies" };
const few = (number) => `few ${NOUNS[number.metric] ?? "answers"} (n=${number.n ?? 0})`;

function range(number) {
  if (number.low == null || number.high == null) return "";
  const [low, high] = [number.low, number.high].map((bound) => (number.unit === "ratio" ? Math.round(100 * bound) : Math.round(bound)));
  return number.unit === "ratio" ? `${low}–${high}${THIN}%` : `${low} to ${high}`;
}

function samples(number) {
  if (number.value == null) return "no data";
  if (number.state === "few") return few(number);
  return [range(number), `n=${number.n ?? 0}`].filter(Boolean).join(", ");
}

function aim(number) {
  if (number.target == null) return "no target set";
  const target = `target ${amount(number.target, number.unit)}`;
  return { past: `▲ past ${target}`, far: `◆ well past ${target}` }[number.state] ?? target;
}

const SHAPES = { past: "▲ ", far: "◆ " };
const judged = (number) => (SHAPES[number.state] ?? "") + amount(number.value, number.unit);

function clock(ms, seconds = true) {
  const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: update?.zone ?? "UTC" };
  if (seconds) Object.assign(parts, { weekday: "short", second: "2-digit", timeZoneName: "short" });
  return new Intl.DateTimeFormat("en-GB", parts).format(new Date(ms));
}

// ---- putting it into the page ---------------------------------------------------------------------------------------

function make(parent, tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

function put(element, text, fade = true) {
  if (element.textContent === text) return;
  element.textContent = text;
  if (!fade) return;
  element.classList.remove("changed");
  void element.offsetWidth; // starts the fade again
  element.classList.add("changed");
}

const mark = (element, state) => {
  for (const name of ["past", "far", "few", "none"]) element.classList.toggle(name, name === state);
};

function button(parent, className = "") {
  const element = make(parent, "button", `number ${className}`.trim());
  element.type = "button";
  return element;
}

// Shows a number; `name` is said by screen readers, `text` shown instead of the plain value; `counting`: an age that grows.
function show(element, number, name, text = amount(number.value, number.unit), counting = false) {
  shown.set(element, { number, name });
  if (counting && number.value != null) live.set(element, update.now - 1000 * number.value);
  else live.delete(element);
  put(element, text, !counting);
  mark(element, number.value == null ? "none" : number.state);
  const parts = [`${name}: ${text}`];
  if (number.n != null) parts.push(`${lasting(number.window)}, ${samples(number)}`);
  if (number.target != null) parts.push(aim(number));
  element.setAttribute("aria-label", `${parts.join(", ")}. Explain.`);
}

// ---- sparklines -------------------------------------------------------------------------------------------------------

const SVG = "http://www.w3.org/2000/svg";

function spark(parent) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", "0 0 100 32");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  parent.append(svg);
  return svg;
}

function draw(svg, metric, queue, unit, target) {
  const points = trends.lines[metric]?.[queue] ?? [];
  const band = trends.bands[metric]?.[queue];
  const values = points.filter((point) => point != null);
  svg.replaceChildren();
  svg.classList.toggle("absent", values.length < 2);
  if (values.length < 2) {
    svg.setAttribute("aria-label", "too few data in the last 60 minutes for a line");
    return;
  }
  const all = [...values, ...(target == null ? [] : [target]), ...(band ?? [])];
  const low = Math.min(...all), high = Math.max(...all, low + (unit === "ratio" ? 0.02 : 1));
  const x = (i) => (100 * i) / (points.length - 1), y = (value) => 31 - (30 * (value - low)) / (high - low);
  const add = (tag, attributes) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    svg.append(element);
  };
  if (band) add("rect", { x: 0, width: 100, y: y(band[1]), height: Math.max(0.5, y(band[0]) - y(band[1])) });
  if (target != null) add("line", { class: "aim", x1: 0, x2: 100, y1: y(target), y2: y(target) });
  let d = "", pen = "M";
  points.forEach((point, i) => {
    if (point == null) pen = "M";
    else {
      d += `${pen}${x(i).toFixed(2)} ${y(point).toFixed(2)}`;
      pen = "L";
    }
  });
  add("path", { class: "line", d });
  const said = [`last 60 minutes: from ${amount(values[0], unit)} to ${amount(values.at(-1), unit)}`];
  said.push(`lowest ${amount(Math.min(...values), unit)}, highest ${amount(Math.max(...values), unit)}`);
  if (band) said.push(`usual ${amount(band[0], unit)} to ${amount(band[1], unit)}`);
  svg.setAttribute("aria-label", said.join(", "));
}

// ---- tiles ------------------------------------------------------------------------------------------------------------

function tile(title) {
  const box = make(find("tiles"), "article", "tile");
  make(box, "h2", "what", title);
  const big = make(box, "p", "big");
  const lines = [0, 1, 2].map(() => make(box, "p"));
  return { box, big: button(big), lines, spark: spark(box) };
}

const tiles = {
  waiting: tile("Waiting now"),
  level: tile("Service level"),
  abandoned: tile("Abandonment"),
  first: tile("First response"),
  csat: tile("CSAT"),
};
make(tiles.waiting.lines[0], "span", "window", "longest ");
const longest = button(tiles.waiting.lines[0], "second");
const over = button(tiles.waiting.lines[1], "mark");
make(tiles.first.lines[0], "span", "window", "9 in 10 within ");
const high = button(tiles.first.lines[0], "second");
const awaiting = button(tiles.first.lines[2], "mark");
const nps = button(tiles.csat.lines[2], "second");

const overText = (number, words) => (number.value == null ? "-" : `${number.value ? "▲ " : ""}${amount(number.value)} ${words}`);

function share(parts, number, name, how) {
  show(parts.big, number, name);
  put(parts.lines[0], samples(number));
  put(parts.lines[1], `${how}, ${lasting(number.window)}`, false);
  put(parts.lines[2], aim(number));
  parts.lines[2].className = number.state === "past" || number.state === "far" ? `mark ${number.state}` : "window";
  parts.lines[1].className = "window";
  mark(parts.box, number.state);
}

function showTiles(now) {
  show(tiles.waiting.big, now.waiting, "Waiting now");
  show(longest, now.longest, "Longest wait", undefined, true);
  show(over, now.over, "Waiting over target", overText(now.over, "over target"));
  mark(tiles.waiting.box, now.over.state);
  share(tiles.level, now.level, "Service level", "formula offered");
  share(tiles.abandoned, now.abandoned, "Abandonment", "short included");
  show(tiles.first.big, now.first, "First response, median");
  show(high, now.first_high, "First response, 90th percentile");
  put(tiles.first.lines[1], `median, ${samples(now.first)}, ${lasting(now.first.window)}`, false);
  tiles.first.lines[1].className = "window";
  show(awaiting, now.awaiting_over, "Waiting for a first response over target", overText(now.awaiting_over, "over target now"));
  mark(tiles.first.box, now.awaiting_over.state);
  show(tiles.csat.big, now.csat, "CSAT");
  put(tiles.csat.lines[0], `${samples(now.csat)}, ${lasting(now.csat.window)}`);
  put(tiles.csat.lines[1], aim(now.csat));
  tiles.csat.lines[1].className = now.csat.state === "past" || now.csat.state === "far" ? `mark ${now.csat.state}` : "window";
  show(nps, now.nps, "NPS", `NPS ${score(now.nps)}, n=${now.nps.n ?? 0}`);
  mark(tiles.csat.box, now.csat.state);
}

function score(number) {
  if (number.value == null) return "-";
  const margin = number.high == null ? "" : ` ±${Math.round(number.high - number.value)}`;
  return `${Math.round(number.value)}${number.state === "few" ? "" : margin}`;
}

function drawTrends() {
  if (!update?.tiles) return;
  const now = update.tiles;
  draw(tiles.waiting.spark, "queue_waiting", "", "count");
  draw(tiles.level.spark, "service_level_ratio", "", "ratio", now.level.target);
  draw(tiles.abandoned.spark, "abandon_ratio", "", "ratio", now.abandoned.target);
  draw(tiles.first.spark, "first_response", "", "seconds");
  draw(tiles.csat.spark, "csat_ratio", "", "ratio", now.csat.target);
  for (const [name, row] of rows) draw(row.spark, "abandon_ratio", name, "ratio", now.abandoned.target);
}

// ---- queues -----------------------------------------------------------------------------------------------------------

const body = document.querySelector("#queues tbody");
const rows = new Map(); // queue -> its cells; a queue that has gone is taken out

function row(name) {
  const tr = document.createElement("tr");
  const head = make(tr, "th");
  head.scope = "row";
  make(head, "span", "", name);
  const flag = make(head, "span", "mark");
  const cell = (label) => {
    const td = make(tr, "td");
    td.dataset.label = label;
    const element = button(td);
    make(td, "span", "beside");
    return element;
  };
  const cells = ["Waiting", "Longest", "Service level", "Abandoned"].map(cell);
  const agents = make(tr, "td", "agents");
  const line = spark(make(tr, "td", "trend"));
  draw(line, "abandon_ratio", name, "ratio", update.tiles.abandoned.target);
  return { tr, flag, cells, agents, spark: line };
}

const STATUSES = { available: "free", on_contact: "busy", wrap_up: "wrap-up", away: "away", unknown: "silent" };

function agentsText(agents) {
  const known = Object.entries(STATUSES).filter(([status]) => agents?.[status]);
  const others = Object.keys(agents ?? {}).filter((status) => !(status in STATUSES) && status !== "offline").sort();
  const words = [...known, ...others.map((status) => [status, status])].map(([status, word]) => `${agents[status]} ${word}`);
  const half = Math.ceil(words.length / 2); // two lines, as high as the rest of the row
  return [words.slice(0, half), words.slice(half)].filter((line) => line.length).map((line) => line.join(", ")).join(",\n") || "no agents";
}

// How many rows leave the sections below on the screen.
function fitting() {
  if (innerWidth <= WIDE) return 2 * ROWS;
  const below = ["tickets", "satisfaction"].reduce((sum, id) => sum + find(id).offsetHeight + 16, 80);
  const top = body.getBoundingClientRect().top + scrollY;
  return Math.max(ROWS, Math.floor((innerHeight - top - below) / (body.rows[0]?.offsetHeight || 56)));
}

function showQueues(queues) {
  const [{ level, abandoned } = {}] = queues;
  if (level) {
    for (const [id, number] of [["level-how", level], ["abandoned-how", abandoned]]) {
      put(find(id), `${lasting(number.window)}, ${number.target == null ? "no target set" : `target ${amount(number.target, "ratio")}`}`, false);
    }
  }
  const wanted = every ? queues : queues.slice(0, fitting());
  const names = new Set(wanted.map((queue) => queue.name));
  for (const [name, old] of rows) {
    if (names.has(name)) continue;
    old.cells.forEach((cell) => live.delete(cell));
    old.tr.remove();
    rows.delete(name);
  }
  wanted.forEach((queue, place) => {
    if (!rows.has(queue.name)) rows.set(queue.name, row(queue.name));
    const { tr, flag, cells, agents } = rows.get(queue.name);
    if (body.children[place] !== tr) {
      const focused = tr.contains(document.activeElement) ? document.activeElement : null;
      body.insertBefore(tr, body.children[place] ?? null);
      focused?.focus();
    }
    const state = queue.spiking ? "far" : queue.over ? "past" : "";
    const overs = queue.over ? `▲ ${queue.over} over target` : "";
    put(flag, [queue.spiking ? "◆ spike" : "", overs].filter(Boolean).join(", "));
    mark(flag, state);
    mark(tr, state);
    show(cells[0], queue.waiting, `${queue.name}, waiting`);
    show(cells[1], queue.longest, `${queue.name}, longest wait`, undefined, true);
    for (const [cell, number, name] of [[cells[2], queue.level, "service level"], [cells[3], queue.abandoned, "abandonment"]]) {
      show(cell, number, `${queue.name}, ${name}`, judged(number));
      const word = { past: "past target\n", far: "well past target\n" }[number.state] ?? "";
      put(cell.nextSibling, number.value == null ? "" : word + samples(number), false);
    }
    put(agents, agentsText(queue.agents), false);
  });
  const more = find("more");
  more.hidden = !every && wanted.length === queues.length;
  put(more, every ? "Show the worst only" : `and ${queues.length - wanted.length} more`, false);
  find("none").hidden = queues.length > 0;
}

// ---- tickets and satisfaction -------------------------------------------------------------------------------------------

function cellOf(section, title, lines) {
  const box = make(document.querySelector(`#${section} .cells`), "div", "cell");
  make(box, "h3", "what", title);
  const main = button(make(box, "p", "second"));
  return { main, lines: Array.from({ length: lines }, () => make(box, "p", "window")) };
}

const cells = {
  backlog: cellOf("tickets", "Backlog", 1),
  ages: cellOf("tickets", "Backlog, half older than", 2),
  ratio: cellOf("tickets", "Resolved against new", 2),
  risk: cellOf("tickets", "SLA at risk in 15 min", 1),
  breached: cellOf("tickets", "SLA missed, still open", 1),
  csat: cellOf("satisfaction", "CSAT", 2),
  nps: cellOf("satisfaction", "NPS", 2),
  ces: cellOf("satisfaction", "CES, 1 to 7 (7 easiest)", 2),
  detractors: cellOf("satisfaction", "Detractors without follow-up", 1),
  driver: cellOf("satisfaction", "Strongest driver", 1),
};
const STATES = { new: "new", open: "open", pending: "pending", on_hold: "on hold" };
const TARGETS = { first_response: "first response", response: "response", resolution: "resolution" };

const sub = (cell, texts) => cell.lines.forEach((line, i) => put(line, texts[i] ?? "", false));

function showTickets(now) {
  show(cells.backlog.main, now.backlog, "Backlog", `${amount(now.backlog.value)} tickets`);
  sub(cells.backlog, [Object.entries(STATES).map(([state, word]) => `${amount(now.states[state].value)} ${word}`).join(", ")]);
  const { median, p90, oldest } = now.ages;
  show(cells.ages.main, median, "Backlog, median age");
  sub(cells.ages, [`1 in 10 older than ${amount(p90.value, "seconds")}`, `oldest ${amount(oldest.value, "seconds")}`]);
  show(cells.ratio.main, now.ratio, "Resolved against new");
  const flow = `${amount(now.solved.value)} resolved, ${amount(now.created.value)} new, ${lasting(now.created.window)}`;
  sub(cells.ratio, [`${lasting(now.ratio.window)}, n=${now.ratio.n ?? 0}`, flow]);
  for (const [cell, key, name] of [[cells.risk, "at_risk", "SLA at risk"], [cells.breached, "over", "SLA missed, still open"]]) {
    const each = Object.entries(TARGETS).map(([target, word]) => [word, now.sla[target][key]]);
    const worst = each.reduce((a, b) => ((b[1].value ?? -1) > (a[1].value ?? -1) ? b : a));
    const some = key === "over" && worst[1].value > 0;
    show(cell.main, worst[1], `${name}, ${worst[0]}`, `${some ? "▲ " : ""}${amount(worst[1].value)} ${worst[0]}`);
    const others = each.filter((one) => one !== worst).map(([word, number]) => `${amount(number.value)} ${word}`);
    sub(cell, [others.join(", ")]);
  }
}

const DRIVERS = {
  waited_over_target: "waited over target", transferred: "transferred", replies_over_2: "more than 2 replies", reopened: "reopened",
  repeat_contact: "repeat contact", breached: "SLA missed", abandoned_first: "gave up before",
};

function showSatisfaction(now) {
  show(cells.csat.main, now.csat, "CSAT");
  sub(cells.csat, [`${samples(now.csat)}, ${lasting(now.csat.window)}`, aim(now.csat)]);
  show(cells.nps.main, now.nps, "NPS", score(now.nps));
  sub(cells.nps, [`${samples(now.nps)}, ${lasting(now.nps.window)}`, `${amount(now.response.value, "ratio")} of surveys answered`]);
  show(cells.ces.main, now.ces, "CES");
  sub(cells.ces, [`n=${now.ces.n ?? 0}, ${lasting(now.ces.window)}`, `easy: ${amount(now.easy.value, "ratio")} (${samples(now.easy)})`]);
  if (now.ces.value == null || now.ces.state === "few") sub(cells.ces, [`${samples(now.ces)}, ${lasting(now.ces.window)}`]);
  show(cells.detractors.main, now.detractors, "Detractors without follow-up");
  sub(cells.detractors, [overText(now.detractors_over, "over target")]);
  mark(cells.detractors.lines[0], now.detractors_over.state);
  const driver = now.driver.labels?.driver ?? "";
  const words = DRIVERS[driver] ?? driver.replace(":", " ");
  show(cells.driver.main, now.driver, "Strongest driver", driver ? words : "-");
  const lift = `unhappy ${amount(now.driver.value)} times as often, n=${now.driver.n}, ${lasting("30d")}`;
  sub(cells.driver, [driver ? lift : "too few answers to tell"]);
}

// ---- the line at the top, and whether the picture is fresh ------------------------------------------------------------

function say(text) {
  put(find("say"), text, false);
}

function showSpikes(spikes, since) {
  const words = spikes.map((spike, i) => {
    const [at, seen] = since[i];
    const begun = `since ${seen ? "" : "before "}${clock(at, false)}`;
    const text = `spike ${spike.by === "all" ? "" : "in "}${spike.text}`;
    return [text, begun, spike.mostly && `mostly ${spike.mostly}`].filter(Boolean).join(", ");
  });
  const text = words.length ? `◆ ${words[0]}` : "no spikes";
  if (words.length && find("worst").textContent !== text) say(text);
  put(find("worst"), text);
  mark(find("spike"), words.length ? "far" : "");
  const left = words.length - 1 - OTHER_SPIKES;
  const others = words.slice(1, 1 + OTHER_SPIKES).map((one) => one.replace("spike in ", ""));
  put(find("others"), others.length ? `and ${others.join(" · ")}${left > 0 ? ` · ${left} more` : ""}` : "", false);
}

const boardNow = () => update.now + performance.now() - received;

function fresh() {
  const silent = performance.now() - received;
  const band = find("band");
  const wasStale = !band.hidden;
  const old = update?.news == null ? null : (boardNow() - update.news) / 1000;
  const away = silent > STALE_MS;
  const stale = away || Boolean(update?.reasons.length);
  if (stale) {
    const seconds = away && !update ? silent / 1000 : old;
    band.replaceChildren(seconds == null ? "no news yet" : `no news for ${spoken(seconds)}`);
    make(band, "small", "", away ? "the board does not answer; trying again" : update.reasons.slice(0, 3).join("; "));
  }
  band.hidden = !stale;
  document.body.classList.toggle("stale", stale);
  if (stale !== wasStale) say(stale ? band.textContent : "the numbers are live again");
  if (!update) return;
  put(find("fresh"), stale ? "not live" : `live, ${spoken(old ?? 0)} old`, false);
  put(find("clock"), clock(boardNow()), false);
  if (stale) return; // numbers keep their last value
  for (const [element, since] of live) put(element, spoken((boardNow() - since) / 1000), false);
}

// ---- a click on a number ----------------------------------------------------------------------------------------------

async function ask(path) {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(5_000) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

const DIMENSIONS = ["channel", "queue", "team"];
const sentence = (text) => text && text[0].toUpperCase() + text.slice(1);

function itemsOf(number) {
  const labels = number.labels ?? {};
  const own = Object.entries(labels).filter(([key]) => DIMENSIONS.includes(key) || number.metric === number.open);
  return new URLSearchParams({ metric: number.open, limit: OPEN_ITEMS, ...Object.fromEntries(own) });
}

async function explain({ number, name }, text) {
  const dialog = find("explain");
  const list = find("explain-open");
  put(find("explain-title"), name, false);
  put(find("explain-value"), text, false);
  put(find("explain-definition"), "", false);
  put(find("explain-note"), "", false);
  find("explain-facts").replaceChildren();
  forget(list);
  if (!dialog.open) dialog.showModal();
  const [known, open] = await Promise.all([
    ask(`api/explain/${encodeURIComponent(number.metric)}`),
    number.open ? ask(`api/open?${itemsOf(number)}`) : null,
  ]);
  if (!dialog.open || find("explain-title").textContent !== name) return; // closed, or another number meanwhile
  put(find("explain-definition"), known ? known.definition : "The board does not answer; close and try again.", false);
  const facts = [
    ["Metric", number.metric + Object.entries(number.labels ?? {}).map(([key, value]) => `, ${key} ${value}`).join("")],
    ["Formula", sentence(known?.formula)],
    ["Window", lasting(number.window)],
    ["Samples", number.n == null ? "" : samples(number)],
    ["Target", number.target == null ? "" : aim(number)],
    ["Counted", known?.counted],
    ["Not counted", known?.not_counted],
  ];
  if (number.value == null) facts.unshift(["No data", "Nothing of the kind was seen in the window."]);
  for (const [title, value] of facts) {
    if (!value) continue;
    make(find("explain-facts"), "dt", "", title);
    make(find("explain-facts"), "dd", "", value);
  }
  put(find("explain-note"), open ? note(open) : number.open ? "The board does not answer." : "No open work stands behind it.", false);
  for (const item of open?.items ?? []) entry(list, item);
}

const note = (open) => (open.count ? `${amount(open.count)} open (${open.metric.replaceAll("_", " ")}), oldest first` : `None open (${open.metric.replaceAll("_", " ")}).`);

function entry(list, item) {
  const li = make(list, "li");
  const age = make(li, "span", "age", spoken(item.age_seconds));
  live.set(age, Date.parse(item.since));
  make(li, "span", "", item.entity);
  make(li, "span", "what", Object.values(item.group).concat(Object.values(item.labels)).filter(Boolean).join(", "));
  if (item.over_target) make(li, "span", "mark past", "▲ over target");
}

function forget(list) {
  for (const age of list.querySelectorAll(".age")) live.delete(age);
  list.replaceChildren();
}

document.addEventListener("click", (event) => {
  const element = event.target.closest?.(".number");
  if (element && shown.has(element)) explain(shown.get(element), element.textContent);
});
find("explain").addEventListener("close", () => forget(find("explain-open")));
find("more").addEventListener("click", () => {
  every = !every;
  showQueues(update.queues);
});

// ---- the stream ---------------------------------------------------------------------------------------------------------

let source = null;
let opened = 0;

function take(said) {
  if (update && said.page !== update.page) location.reload(); // the board was replaced by another version
  received = performance.now();
  const first = !update?.tiles;
  if (!said.tiles || (said.reasons.length && !first)) {
    const { now, news, reasons } = said;
    update = { ...said, ...update, now, news, reasons }; // stale: what was shown stays
    fresh();
    return;
  }
  update = said;
  document.body.classList.remove("empty");
  showTiles(said.tiles);
  showQueues(said.queues);
  showTickets(said.tickets);
  showSatisfaction(said.satisfaction);
  showSpikes(said.spikes, said.since);
  if (first) drawTrends();
  fresh();
}

function connect() {
  source?.close();
  opened = performance.now();
  source = new EventSource("api/stream");
  source.onmessage = (event) => take(JSON.parse(event.data));
  source.addEventListener("trends", (event) => {
    trends = { lines: {}, bands: {}, ...JSON.parse(event.data) };
    drawTrends();
  });
}

setInterval(() => {
  fresh();
  const waited = performance.now() - Math.max(received, opened);
  if (waited > RECONNECT_MS || (source.readyState === EventSource.CLOSED && waited > RETRY_MS)) connect();
}, 1_000);
connect();
