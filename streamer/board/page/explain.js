// A click on a number: what it is, and the worst open contacts behind it.
import { find, live, make, put, shown } from "./numbers.js";
import { aim, amount, lasting, reason, samples, spoken } from "./words.js";

const OPEN_ITEMS = 10;
const DIMENSIONS = ["channel", "queue", "team"];

async function ask(path) {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(5_000) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

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
  if (number.value == null) facts.unshift(["No data", reason(number)]);
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
