// Tickets and satisfaction.
import { button, describe, fill, find, make, show } from "./numbers.js";
import { aim, amount, lasting, overText, samples, score } from "./words.js";

function cellOf(section, title, lines) {
  const box = make(find(section).querySelector(".cells"), "div", "cell");
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
describe(cells.csat.main, ...cells.csat.lines);
for (const { main, lines } of [cells.nps, cells.ces, cells.ratio, cells.driver]) describe(main, lines[0]);

const STATES = { new: "new", open: "open", pending: "pending", on_hold: "on hold" };
const TARGETS = { first_response: "first response", response: "response", resolution: "resolution" };

// Between the numbers of a line stands a comma.
const listed = (numbers) => numbers.flatMap((number, i) => (i ? [", ", number] : [number]));

export function showTickets(now) {
  const { backlog, ages, ratio } = cells;
  show(backlog.main, now.backlog, "Backlog", `${amount(now.backlog.value)} tickets`);
  const states = Object.entries(STATES).map(([state, word]) => [now.states[state], `Backlog, ${word}`, `${amount(now.states[state].value)} ${word}`]);
  fill(backlog.lines[0], listed(states));
  show(ages.main, now.ages.median, "Backlog, median age");
  fill(ages.lines[0], ["1 in 10 older than ", [now.ages.p90, "Backlog, 90th percentile of age"]]);
  fill(ages.lines[1], ["oldest ", [now.ages.oldest, "Backlog, oldest"]]);
  show(ratio.main, now.ratio, "Resolved against new");
  fill(ratio.lines[0], [`${lasting(now.ratio.window)}, n=${now.ratio.n ?? 0}`]);
  const flow = [[now.solved, "Resolved", `${amount(now.solved.value)} resolved`], [now.created, "New", `${amount(now.created.value)} new`]];
  fill(ratio.lines[1], [...listed(flow), `, ${lasting(now.created.window)}`]);
  showSla(cells.risk, now.sla, "at_risk", "SLA at risk");
  showSla(cells.breached, now.sla, "over", "SLA missed, still open");
}

// The worst target large, the others below it.
function showSla(cell, sla, key, name) {
  const each = Object.entries(TARGETS).map(([target, word]) => {
    const number = sla[target][key];
    const shape = key === "over" && number.value > 0 ? "▲ " : "";
    return [number, `${name}, ${word}`, `${shape}${amount(number.value)} ${word}`];
  });
  const worst = each.reduce((a, b) => ((b[0].value ?? -1) > (a[0].value ?? -1) ? b : a));
  show(cell.main, ...worst);
  fill(cell.lines[0], listed(each.filter((one) => one !== worst)));
}

const DRIVERS = {
  waited_over_target: "waited over target", transferred: "transferred", replies_over_2: "more than 2 replies", reopened: "reopened",
  repeat_contact: "repeat contact", breached: "SLA missed", abandoned_first: "gave up before",
};

export function showSatisfaction(now) {
  const { csat, nps, ces, detractors, driver } = cells;
  show(csat.main, now.csat, "CSAT of the day");
  fill(csat.lines[0], [`${samples(now.csat)}, ${lasting(now.csat.window)}`]);
  fill(csat.lines[1], [aim(now.csat)]);
  show(nps.main, now.nps, "NPS of the day", score(now.nps));
  fill(nps.lines[0], [`${samples(now.nps)}, ${lasting(now.nps.window)}`]);
  fill(nps.lines[1], [[now.response, "Surveys answered"], " of surveys answered"]);
  show(ces.main, now.ces, "CES");
  const judging = now.ces.value != null && now.ces.state !== "few";
  fill(ces.lines[0], [`${samples(now.ces)}, ${lasting(now.ces.window)}`]);
  fill(ces.lines[1], judging ? ["easy: ", [now.easy, "Easy"], ` (${samples(now.easy)})`] : []);
  show(detractors.main, now.detractors, "Detractors without follow-up");
  fill(detractors.lines[0], [[now.detractors_over, "Detractors over target", overText(now.detractors_over, "over target")]]);
  const name = now.driver.labels?.driver ?? "";
  show(driver.main, now.driver, "Strongest driver", name ? (DRIVERS[name] ?? name.replace(":", " ")) : "-");
  const lift = `unhappy ${amount(now.driver.value)} times as often, n=${now.driver.n ?? 0}, ${lasting(now.driver.window)}`;
  fill(driver.lines[0], [name ? lift : "too few answers to tell"]);
}
