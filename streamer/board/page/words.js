// Numbers as people say them: as streamer/board/words.py does.

export const THIN = "\u202f";
const THREE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, useGrouping: false, roundingMode: "halfEven" });
const SIZES = [[1e9, "G"], [1e6, "M"], [1e3, "k"]];

export const whole = (value) => Math.floor(value + 0.5);

export function spoken(seconds) {
  const left = Math.max(0, whole(seconds));
  for (const [size, unit, below, small] of [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]]) {
    if (left >= size) {
      const rest = Math.floor((left % size) / below);
      const first = `${Math.floor(left / size)}${THIN}${unit}`;
      return rest ? `${first} ${rest}${THIN}${small}` : first;
    }
  }
  return `${left}${THIN}s`;
}

export function amount(value, unit) {
  if (value == null) return "-";
  if (unit === "seconds") return spoken(value);
  if (unit === "ratio") return `${THREE.format(100 * value)}${THIN}%`;
  const known = Number(THREE.format(value));
  for (const [size, letter] of SIZES) {
    if (Math.abs(known) >= size) return `${THREE.format(known / size)}${THIN}${letter}`;
  }
  return THREE.format(known);
}

export function lasting(window) {
  if (!window) return "now";
  const unit = { m: "min", h: "h", d: "d" }[window.slice(-1)];
  return window === "today" ? "today" : `last ${window.slice(0, -1)}${THIN}${unit}`;
}

const NOUNS = { service_level_ratio: "contacts", abandon_ratio: "contacts", first_response: "replies" };
const few = (number) => `few ${NOUNS[number.metric] ?? "answers"} (n=${number.n ?? 0})`;

function range(number) {
  if (number.low == null || number.high == null) return "";
  const [low, high] = [number.low, number.high].map((bound) => whole(number.unit === "ratio" ? 100 * bound : bound));
  return number.unit === "ratio" ? `${low}–${high}${THIN}%` : `${low} to ${high}`;
}

export function samples(number) {
  if (number.value == null) return "no data";
  if (number.state === "few") return few(number);
  return [range(number), `n=${number.n ?? 0}`].filter(Boolean).join(", ");
}

export function aim(number) {
  if (number.target == null) return "no target set";
  const target = `target ${amount(number.target, number.unit)}`;
  return { past: `▲ past ${target}`, far: `◆ well past ${target}` }[number.state] ?? target;
}

export const SHAPES = { past: "▲ ", far: "◆ " };
export const judged = (number) => (SHAPES[number.state] ?? "") + amount(number.value, number.unit);
export const overText = (number, words) => (number.value == null ? "-" : `${number.value ? "▲ " : ""}${amount(number.value)} ${words}`);

export function score(number) {
  if (number.value == null) return "-";
  const margin = number.high == null || number.state === "few" ? "" : ` ±${whole(number.high - number.value)}`;
  return `${whole(number.value)}${margin}`;
}

// Why there is no value: nobody waits is another thing than nothing seen.
export function reason(number) {
  if (number.metric === "driver_lift") return "Too few answers to tell one driver from chance.";
  if (number.unit === "seconds" && number.open === number.metric) {
    return number.metric === "queue_waiting" ? "Nobody waits now." : "None is open now.";
  }
  return number.window ? `Nothing of the kind was seen: ${lasting(number.window)}.` : "Nothing of the kind was seen yet.";
}

export function clock(ms, zone, seconds = true) {
  const parts = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone ?? "UTC" };
  if (seconds) Object.assign(parts, { weekday: "short", second: "2-digit", timeZoneName: "short" });
  return new Intl.DateTimeFormat("en-GB", parts).format(new Date(ms));
}
