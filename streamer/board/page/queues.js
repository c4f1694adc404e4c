// The table of queues, worst first: as many as leave the sections below on the screen.
import { board } from "./board.js";
import { button, describe, find, live, make, mark, put, show } from "./numbers.js";
import { draw, spark } from "./spark.js";
import { amount, judged, lasting, samples } from "./words.js";

const LEAST = 3; // rows shown however small the screen is
const SCROLLED = 10; // rows on a page that is scrolled anyway
const LONG = 16; // characters of a name; longer ones are written small
const MOST = 40; // rows that a wall may have room for
const WALL = matchMedia("(min-width: 1101px) and (min-aspect-ratio: 1/1), (min-width: 901px) and (min-height: 1500px)"); // as wall.css

const body = document.querySelector("#queues tbody");
const rows = new Map(); // queue -> its cells; a queue that has gone is taken out
let every = false; // all queues are shown

function row(name) {
  const tr = document.createElement("tr");
  const head = make(tr, "th");
  head.scope = "row";
  make(head, "span", name.length > LONG ? "long" : "", name);
  const flag = make(head, "span", "mark far");
  const cell = (label) => {
    const td = make(tr, "td");
    td.dataset.label = label;
    const element = button(td);
    describe(element, make(td, "span", "beside"));
    return element;
  };
  const cells = ["Waiting", "Longest", "Service level", "Abandoned"].map(cell);
  const agents = make(tr, "td", "agents");
  const line = spark(make(tr, "td", "trend"));
  rows.set(name, { tr, flag, cells, agents, spark: line });
  drawRow(name);
}

function drawRow(name) {
  draw(rows.get(name).spark, `${name}, abandonment`, "abandon_ratio", name, "ratio", board.update.tiles.abandoned.target);
}

const STATUSES = { available: "free", on_contact: "busy", wrap_up: "wrap-up", away: "away", unknown: "silent" };

function agentsText(agents) {
  const known = Object.entries(STATUSES).filter(([status]) => agents?.[status]);
  const others = Object.keys(agents ?? {}).filter((status) => !(status in STATUSES) && status !== "offline").sort();
  const words = [...known, ...others.map((status) => [status, status])].map(([status, word]) => `${agents[status]} ${word}`);
  const half = Math.ceil(words.length / 2); // two lines, as high as the rest of the row
  return [words.slice(0, half), words.slice(half)].filter((line) => line.length).map((line) => line.join(", ")).join(",\n") || "no agents";
}

// Hides the rows that leave no room for the sections below; the button that shows all of them takes some, too.
function fit() {
  const all = [...body.rows];
  const more = find("more");
  let count = all.length;
  for (const tr of all) tr.hidden = false;
  more.hidden = !every;
  if (!every && !WALL.matches) count = Math.min(count, SCROLLED);
  else if (!every && overflow() > 0) {
    more.hidden = false;
    const end = body.getBoundingClientRect().bottom - overflow();
    count = Math.max(LEAST, all.filter((tr) => tr.getBoundingClientRect().bottom <= end).length);
  }
  all.slice(count).forEach((tr) => (tr.hidden = true));
  const left = board.update.queues.length - count;
  more.hidden = !every && left <= 0;
  put(more, every ? "Show the worst only" : `and ${left} more`, false);
}

const overflow = () => document.documentElement.scrollHeight - innerHeight;

function showHead([first]) {
  if (!first) return;
  for (const [id, number] of [["level-how", first.level], ["abandoned-how", first.abandoned]]) {
    put(find(id), `${lasting(number.window)}, ${number.target == null ? "no target set" : `target ${amount(number.target, "ratio")}`}`, false);
  }
}

function showRow(queue, place) {
  if (!rows.has(queue.name)) row(queue.name);
  const { tr, flag, cells, agents } = rows.get(queue.name);
  if (body.children[place] !== tr) {
    const focused = tr.contains(document.activeElement) ? document.activeElement : null;
    body.insertBefore(tr, body.children[place] ?? null);
    focused?.focus();
  }
  put(flag, queue.spiking?.length ? `◆ spike: ${queue.spiking.join(", ")}` : "");
  mark(tr, queue.spiking?.length ? "far" : queue.over ? "past" : "");
  show(cells[0], queue.waiting, `${queue.name}, waiting`);
  put(cells[0].nextSibling, queue.over ? `▲ ${queue.over} over` : "");
  show(cells[1], queue.longest, `${queue.name}, longest wait`, undefined, true);
  for (const [cell, number, name] of [[cells[2], queue.level, "service level"], [cells[3], queue.abandoned, "abandonment"]]) {
    show(cell, number, `${queue.name}, ${name}`, judged(number));
    const word = { past: "past target\n", far: "well past target\n" }[number.state] ?? "";
    put(cell.nextSibling, number.value == null ? "" : word + samples(number), false);
  }
  put(agents, agentsText(queue.agents), false);
}

export function showQueues() {
  const { queues } = board.update;
  showHead(queues);
  const wanted = every ? queues : queues.slice(0, MOST);
  const names = new Set(wanted.map((queue) => queue.name));
  for (const [name, old] of rows) {
    if (names.has(name)) continue;
    old.cells.forEach((cell) => live.delete(cell));
    old.tr.remove();
    rows.delete(name);
  }
  wanted.forEach(showRow);
  find("none").hidden = queues.length > 0;
  fit();
}

export function drawQueues() {
  for (const name of rows.keys()) drawRow(name);
}

find("more").addEventListener("click", () => {
  every = !every;
  showQueues();
});
