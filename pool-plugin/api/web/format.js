// Figures for people. Whole numbers that may exceed 2^53 come as decimal strings and stay exact.

const WHOLE = new Intl.NumberFormat("en");
const PREFIXES = ["", "k", "M", "G", "T", "P", "E", "Z", "Y"];
const NO_BREAK = "\u00a0";

/** Three figures and a prefix: 12345 is "12.3 k". */
export function si(value) {
    let number = Number(value);
    if (!Number.isFinite(number)) return "–";
    if (number === 0) return "0";
    let prefix = 0;
    // What rounds to 1000 is 1 of the next unit.
    while (Math.abs(number) >= 999.5 && prefix < PREFIXES.length - 1) {
        number /= 1000;
        prefix += 1;
    }
    const size = Math.abs(number);
    const digits = prefix === 0 && Number.isInteger(number) ? 0 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
    const text = number.toFixed(digits);
    return prefix === 0 ? text : `${text}${NO_BREAK}${PREFIXES[prefix]}`;
}

/** Attempts a second. */
export const rate = (value) => `${si(value)}${NO_BREAK}attempts/s`;

/** All digits, grouped. */
export function whole(value) {
    if (value === null || value === undefined) return "–";
    return WHOLE.format(typeof value === "string" ? BigInt(value) : value);
}

/** Microcredits as ALEO, all six decimals: money is not rounded. */
export function aleo(microcredits) {
    if (microcredits === null || microcredits === undefined) return "–";
    const all = BigInt(microcredits);
    const size = all < 0n ? -all : all;
    const fraction = String(size % 1_000_000n).padStart(6, "0");
    return `${all < 0n ? "−" : ""}${WHOLE.format(size / 1_000_000n)}.${fraction}`;
}

/** A fraction of one: 0.1234 is "12.3 %". */
export function percent(fraction) {
    const number = Number(fraction) * 100;
    if (fraction === null || fraction === undefined || !Number.isFinite(number)) return "–";
    return `${number.toFixed(number < 9.995 ? 2 : number < 999.5 ? 1 : 0)}${NO_BREAK}%`;
}

/** A span of seconds in its two largest units. */
export function span(seconds) {
    const left = Math.max(0, Math.round(seconds));
    const units = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];
    const first = units.findIndex(([size]) => left >= size);
    if (first < 0) return `0${NO_BREAK}s`;
    const [size, name] = units[first];
    const text = `${Math.floor(left / size)}${NO_BREAK}${name}`;
    if (first + 1 === units.length) return text;
    const [smaller, smallerName] = units[first + 1];
    const rest = Math.floor((left % size) / smaller);
    return rest === 0 ? text : `${text} ${rest}${NO_BREAK}${smallerName}`;
}

/** How long ago a moment (Unix seconds) was, in its largest unit. */
export function ago(time, now = Date.now() / 1000) {
    const passed = now - time;
    if (passed < 5) return "now";
    return `${span(passed).split(" ")[0]} ago`;
}

/** A moment in the reader's clock, to the second. */
export function moment(time) {
    return new Date(time * 1000).toLocaleString("sv-SE");
}

/** A moment's time of day. */
export function clock(time, seconds = false) {
    const text = new Date(time * 1000).toTimeString();
    return text.slice(0, seconds ? 8 : 5);
}

/** The first and last letters of something long. */
export function short(text, head = 10, tail = 6) {
    const letters = [...String(text)];
    if (letters.length <= head + tail + 1) return String(text);
    return `${letters.slice(0, head).join("")}…${letters.slice(-tail).join("")}`;
}
