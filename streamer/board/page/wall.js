// The wall: takes the stream of updates and puts them into the page, and says whether the picture is fresh.
import { board, boardNow } from "./board.js";
import { showSatisfaction, showTickets } from "./cells.js";
import "./explain.js";
import { find, live, make, put } from "./numbers.js";
import { drawQueues, showQueues } from "./queues.js";
import { drawTiles, showTiles } from "./tiles.js";
import { clock, spoken } from "./words.js";
import { fitOthers, say, showWorst } from "./worst.js";

const STALE_MS = 5_000; // updates come every second at least
const RECONNECT_MS = 10_000; // silent for so long: the connection is dead, whatever the browser thinks
const RETRY_MS = 2_000;

let source = null;
let opened = 0;

const isShown = () => Boolean(board.update?.tiles);

function fit() {
  if (!isShown()) return;
  fitOthers();
  showQueues();
}

function fresh() {
  const { update, received } = board;
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
  if (stale !== wasStale) {
    say(stale ? band.textContent : "the numbers are live again");
    fit(); // the band takes room
  }
  if (!update) return;
  put(find("fresh"), stale ? "not live" : `live, ${spoken(old ?? 0)} old`, false);
  put(find("clock"), clock(boardNow(), update.zone), false);
  if (stale) return; // numbers keep their last value
  for (const [element, since] of live) put(element, spoken((boardNow() - since) / 1000), false);
}

function drawTrends() {
  if (!isShown()) return;
  drawTiles();
  drawQueues();
}

function take(said) {
  if (board.update && said.page !== board.update.page) location.reload(); // the board was replaced by another version
  board.received = performance.now();
  const first = !isShown();
  if (!said.tiles || (said.reasons.length && !first)) {
    const { now, news, reasons } = said;
    board.update = { ...said, ...board.update, now, news, reasons }; // stale: what was shown stays
    fresh();
    return;
  }
  board.update = said;
  document.body.classList.remove("empty");
  showTiles(said.tiles);
  showWorst(said);
  showTickets(said.tickets);
  showSatisfaction(said.satisfaction);
  showQueues();
  if (first) drawTrends();
  fresh();
}

function connect() {
  source?.close();
  opened = performance.now();
  source = new EventSource("api/stream");
  source.onmessage = (event) => take(JSON.parse(event.data));
  source.addEventListener("trends", (event) => {
    board.trends = { lines: {}, bands: {}, ...JSON.parse(event.data) };
    drawTrends();
  });
}

addEventListener("resize", fit);
setInterval(() => {
  fresh();
  const waited = performance.now() - Math.max(board.received, opened);
  if (waited > RECONNECT_MS || (source.readyState === EventSource.CLOSED && waited > RETRY_MS)) connect();
}, 1_000);
connect();
