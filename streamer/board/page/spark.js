// Sparklines of the last 60 minutes: the target as a hairline, the usual as a band.
import { board } from "./board.js";
import { amount } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

export function spark(parent) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "spark");
  svg.setAttribute("viewBox", "0 0 100 32");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  parent.append(svg);
  return svg;
}

export function draw(svg, title, metric, queue, unit, target) {
  const points = board.trends.lines[metric]?.[queue] ?? [];
  const band = board.trends.bands[metric]?.[queue];
  const values = points.filter((point) => point != null);
  svg.replaceChildren();
  svg.classList.toggle("absent", values.length < 2);
  if (values.length < 2) {
    svg.setAttribute("aria-label", `${title}: too few data in the last 60 minutes for a line`);
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
  const said = [`${title}, last 60 minutes: from ${amount(values[0], unit)} to ${amount(values.at(-1), unit)}`];
  said.push(`lowest ${amount(Math.min(...values), unit)}, highest ${amount(Math.max(...values), unit)}`);
  if (band) said.push(`usual ${amount(band[0], unit)} to ${amount(band[1], unit)}`);
  svg.setAttribute("aria-label", said.join(", "));
}
