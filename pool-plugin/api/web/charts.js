// Small charts, drawn as SVG at the available width. Colours come from the style sheet; the table below has
// the same figures for readers who cannot see the chart or point at it.

import { h, patch, s } from "./dom.js";
import { clock, si } from "./format.js";

const HEIGHT = 180;
const TOP = 10;
const BOTTOM = 22;
const LEFT = 46;
const RIGHT = 8;

/**
 * A chart that lives as long as its page: `{ node, update }`. `kind` is "line" or "bars" (stacked).
 * `update(data)` takes `{ times, step, series: [{ name, tone, values }] }`: Unix seconds at which spans of `step`
 * seconds begin, and a value for each, or null where unknown.
 */
export function chart({ label, kind, format }) {
    const drawing = s("svg", { role: "img", class: "chart-drawing", height: HEIGHT });
    const legend = h("p", { class: "chart-legend" });
    const readout = h("p", { class: "chart-readout" });
    const table = h("details", { class: "chart-table" });
    const node = h("figure", { class: "chart" }, h("figcaption", null, legend, readout), drawing, table);
    let data = null;
    // The span that is pointed at.
    let chosen = null;

    const draw = () => {
        const width = Math.floor(drawing.parentElement?.clientWidth ?? 0);
        if (!data || width < LEFT + RIGHT + 40) return;
        drawing.setAttribute("width", width);
        drawing.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
        patch(drawing, picture(data, kind, width, chosen));
        patch(readout, chosen === null ? "" : sentence(data, chosen, format));
    };
    const say = (index) => {
        chosen = index;
        draw();
    };
    drawing.addEventListener("pointermove", (event) => {
        if (!data?.times.length) return;
        const inside = event.clientX - drawing.getBoundingClientRect().left - LEFT;
        const index = Math.floor((inside / (drawing.clientWidth - LEFT - RIGHT)) * data.times.length);
        say(index >= 0 && index < data.times.length ? index : null);
    });
    drawing.addEventListener("pointerleave", () => say(null));
    new ResizeObserver(draw).observe(node);

    const update = (latest) => {
        if (chosen !== null && chosen >= latest.times.length) chosen = null;
        data = latest;
        drawing.setAttribute("aria-label", `${label}. ${summary(data, format)}`);
        patch(legend, data.series.length > 1 ? data.series.map(({ name, tone }) =>
            h("span", { class: `legend tone-${tone}` }, name)) : "");
        patch(table, asTable(label, data, format));
        draw();
    };
    return { node, update };
}

function scales(data, kind, width) {
    const top = niceTop(Math.max(...sums(data, kind), 0));
    const inner = width - LEFT - RIGHT;
    return {
        top,
        x: (index) => LEFT + (inner * index) / Math.max(data.times.length, 1),
        y: (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / top,
    };
}

/** The highest point at each time. */
function sums(data, kind) {
    return data.times.map((_, index) => {
        const values = data.series.map(({ values }) => values[index] ?? 0);
        return kind === "bars" ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values);
    });
}

/** The next number of the form 1, 2, 4, 5 or 8 times a power of ten. */
export function niceTop(highest) {
    if (!(highest > 0)) return 1;
    const power = 10 ** Math.floor(Math.log10(highest));
    const factor = [1, 2, 4, 5, 8, 10].find((factor) => factor * power >= highest * 0.9999);
    return factor * power;
}

function picture(data, kind, width, chosen) {
    const scale = scales(data, kind, width);
    const at = chosen === null ? null : scale.x(chosen + 0.5);
    return [
        grid(scale, width),
        times(data, scale, width),
        kind === "bars" ? bars(data, scale) : data.series.map((series) => line(series, scale)),
        at === null ? null : s("line", { class: "chart-mark", x1: at, x2: at, y1: TOP, y2: HEIGHT - BOTTOM }),
    ];
}

function grid({ top, y }, width) {
    return [0, 0.5, 1].map((part) => {
        const at = Math.round(y(part * top)) + 0.5;
        return [
            s("line", { class: "chart-grid", x1: LEFT, x2: width - RIGHT, y1: at, y2: at }),
            s("text", { class: "chart-text", x: LEFT - 6, y: at + 4, "text-anchor": "end" }, si(part * top)),
        ];
    });
}

/** Seconds between the times of day below a chart. */
const TICKS = [30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 43_200];

/** Round times of day below, as many as fit. */
function times(data, { x }, width) {
    const most = Math.max(1, Math.floor((width - LEFT) / 64));
    const every = TICKS.find((tick) => (data.times.length * data.step) / tick <= most) ?? 86_400;
    return data.times.map((time, index) => {
        const at = x(index);
        const midnight = new Date(time * 1000).setHours(0, 0, 0, 0) / 1000;
        if ((time - midnight) % every !== 0 || at < LEFT + 12 || at > width - RIGHT - 12) return null;
        return s("text", { class: "chart-text", x: at, y: HEIGHT - 6, "text-anchor": "middle" },
            clock(time, data.step < 60));
    });
}

function bars(data, { x, y }) {
    const width = Math.max(1, x(1) - x(0) - Math.min(2, (x(1) - x(0)) * 0.2));
    return data.times.map((_, index) => {
        let below = 0;
        return data.series.map(({ tone, values }) => {
            const value = values[index] ?? 0;
            const [from, to] = [y(below), y(below + value)];
            below += value;
            if (value === 0) return null;
            return s("rect", {
                class: `chart-bar tone-${tone}`,
                x: x(index).toFixed(1), y: to.toFixed(1), width: width.toFixed(1),
                height: Math.max(from - to, 0.5).toFixed(1),
            });
        });
    });
}

/** A line through the known values, and the area below it; gaps stay gaps. */
function line({ tone, values }, { x, y }) {
    const pieces = [];
    values.forEach((value, index) => {
        if (value === null) return;
        if (index === 0 || values[index - 1] === null) pieces.push([]);
        pieces.at(-1).push([x(index + 0.5).toFixed(1), y(value).toFixed(1)]);
    });
    const floor = y(0).toFixed(1);
    return pieces.map((points) => {
        const path = `M${points.map((point) => point.join(" ")).join("L")}`;
        return [
            s("path", { class: `chart-area tone-${tone}`, d: `${path}V${floor}H${points[0][0]}Z` }),
            points.length === 1
                ? s("circle", { class: `chart-dot tone-${tone}`, cx: points[0][0], cy: points[0][1], r: 2.5 })
                : s("path", { class: `chart-line tone-${tone}`, d: path }),
        ];
    });
}

function sentence(data, index, format) {
    const values = data.series.map(({ name, values }) =>
        data.series.length > 1 ? `${name} ${format(values[index] ?? 0)}` : format(values[index] ?? 0));
    return `${clock(data.times[index], data.step < 60)}  ${values.join(", ")}`;
}

/** What a screen reader says of the drawing. */
function summary(data, format) {
    const last = data.times.length - 1;
    if (last < 0) return "Nothing yet.";
    const series = data.series.map(({ name, values }) =>
        `${name}: now ${format(values[last] ?? 0)}, highest ${format(Math.max(...values.map((value) => value ?? 0)))}.`);
    return series.join(" ");
}

function asTable(label, data, format) {
    const heads = ["From", ...data.series.map(({ name }) => name)];
    const rows = data.times.map((time, index) => h("tr", null,
        h("th", { scope: "row" }, clock(time, data.step < 60)),
        data.series.map(({ values }) => h("td", null, values[index] === null ? "–" : format(values[index])))));
    return [
        h("summary", null, "As a table"),
        h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${label}, as a table` },
            h("table", null,
                h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))),
                h("tbody", null, rows.reverse()))),
    ];
}
