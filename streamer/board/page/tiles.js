// The five tiles.
import { board } from "./board.js";
import { button, describe, find, make, mark, put, show } from "./numbers.js";
import { draw, spark } from "./spark.js";
import { aim, lasting, overText, samples, score } from "./words.js";

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
for (const parts of [tiles.level, tiles.abandoned]) describe(parts.big, ...parts.lines);
describe(tiles.first.big, tiles.first.lines[1]);
describe(high, tiles.first.lines[1]);
describe(tiles.csat.big, tiles.csat.lines[0], tiles.csat.lines[1]);

const isPast = (number) => number.state === "past" || number.state === "far";

function aimed(line, number) {
  put(line, aim(number));
  line.className = isPast(number) ? `mark ${number.state}` : "window";
}

function share(parts, number, name, how) {
  show(parts.big, number, name);
  put(parts.lines[0], samples(number));
  put(parts.lines[1], `${how}, ${lasting(number.window)}`, false);
  parts.lines[1].className = "window";
  aimed(parts.lines[2], number);
  mark(parts.box, number.state);
}

export function showTiles(now) {
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
  aimed(tiles.csat.lines[1], now.csat);
  show(nps, now.nps, "NPS", `NPS ${score(now.nps)}, n=${now.nps.n ?? 0}`);
  mark(tiles.csat.box, now.csat.state);
}

export function drawTiles() {
  const now = board.update.tiles;
  draw(tiles.waiting.spark, "Waiting now", "queue_waiting", "", "count");
  draw(tiles.level.spark, "Service level", "service_level_ratio", "", "ratio", now.level.target);
  draw(tiles.abandoned.spark, "Abandonment", "abandon_ratio", "", "ratio", now.abandoned.target);
  draw(tiles.first.spark, "First response, mean", "first_response", "", "seconds");
  draw(tiles.csat.spark, "CSAT", "csat_ratio", "", "ratio", now.csat.target);
}
