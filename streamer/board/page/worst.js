// The line at the top: the worst spike, else the worst that is past its target, and what else there is.
import { board } from "./board.js";
import { find, mark, put } from "./numbers.js";
import { clock, SHAPES } from "./words.js";

const OTHERS = 3; // named beside the worst, where they fit
let told = ""; // what was said to screen readers last: not its numbers, which change all the time
let others = [];

export function say(text) {
  put(find("say"), text, false);
}

function spikeText(spike, [at, seen]) {
  const begun = `since ${seen ? "" : "before "}${clock(at, board.update.zone, false)}`;
  return [spike.text, begun, spike.mostly && `mostly ${spike.mostly}`].filter(Boolean).join(", ");
}

export function showWorst({ spikes, since, past }) {
  const all = [
    ...spikes.map((spike, i) => ({ ...spike, state: "far", kind: `spike ${spike.by === "all" ? "" : "in "}`, text: spikeText(spike, since[i]) })),
    ...past.map((one) => ({ ...one, kind: "" })),
  ];
  const [worst] = all;
  const text = worst ? SHAPES[worst.state] + worst.kind + worst.text : "no spikes, nothing past its target";
  const key = worst ? [worst.kind, worst.metric, worst.by, worst.value].join() : "";
  if (key !== told) say(text);
  told = key;
  put(find("worst"), text);
  mark(find("spike"), worst?.state ?? "");
  others = all.slice(1).map((one) => one.text);
  fitOthers();
}

// As many as fit into one line, then how many more.
export function fitOthers() {
  const line = find("others");
  for (let named = Math.min(OTHERS, others.length); named >= 0; named--) {
    const left = others.length - named;
    const words = [...others.slice(0, named), ...(left ? [`${left} more`] : [])];
    put(line, words.length ? `and ${words.join(" · ")}` : "", false);
    if (line.scrollWidth <= line.clientWidth) return;
  }
}
