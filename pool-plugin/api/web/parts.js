// Shared by the pages: cards, figures, tables, bars, badges, times.

import { h, s } from "./dom.js";
import { ago, moment, short } from "./format.js";

/** A section with a heading. `aside` stands opposite the heading. */
export function card({ title, aside, wide, key }, ...content) {
    const id = `h-${key}`;
    return h("section", { class: `card ${wide ?? ""}`, "aria-labelledby": id, "data-key": key },
        h("div", { class: "card-head" }, h("h2", { id }, title), aside ? h("div", { class: "sub" }, aside) : null),
        content);
}

/** Figures side by side: `[name, value, unit, note]`. */
export function tiles(...figures) {
    return h("dl", { class: "tiles", "data-key": "tiles" }, figures.filter(Boolean).map(([name, value, unit, note]) =>
        h("div", { class: "card tile" },
            h("dt", null, name),
            h("dd", null, value, unit ? h("span", { class: "unit" }, unit) : null),
            note ? h("dd", { class: "note" }, note) : null)));
}

/**
 * A table that becomes a list of cells on a phone. A column is `{ name, cell, num, bare }`: what to show of a row,
 * whether it is a number, and whether it needs no name on a phone. The first column heads its row. The roles are
 * repeated because a table without table layout loses them.
 */
export function table({ label, columns, rows, key, empty }) {
    if (rows.length === 0) return h("p", { class: "empty" }, empty);
    const kind = (column) => `${column.num ? "num" : ""} ${column.bare ? "bare" : ""}`.trim();
    return h("table", { class: "cells", role: "table", "aria-label": label },
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map((column) =>
            h("th", { scope: "col", role: "columnheader", class: kind(column) }, column.name)))),
        h("tbody", { role: "rowgroup" }, rows.map((row) =>
            h("tr", { role: "row", "data-key": key(row) }, columns.map((column, index) => index === 0
                ? h("th", { scope: "row", role: "rowheader", class: kind(column), "data-label": column.name }, h("span", null, column.cell(row)))
                : h("td", { role: "cell", class: kind(column), "data-label": column.name }, h("span", null, column.cell(row))))))));
}

/** A time, shown as how long ago; the page's clock updates it. */
export function since(time) {
    if (!time) return "never";
    const iso = new Date(time * 1000).toISOString();
    return h("time", { datetime: iso, "data-ago": time, title: moment(time) }, ago(time));
}

/** Updates all times. */
export function tick(root) {
    for (const element of root.querySelectorAll("time[data-ago]")) {
        const text = ago(Number(element.dataset.ago));
        if (element.textContent !== text) element.textContent = text;
    }
}

/**
 * A bar of parts of a whole, with a legend: `[{ name, value, tone, shown }]`. `mark`: a line at that value.
 */
export function bar({ label, parts, whole, mark }) {
    const total = Math.max(Number(whole), ...(mark ? [mark] : []), 1e-9);
    let at = 0;
    const pieces = parts.map(({ value, tone }) => {
        const width = Math.min(Math.max(Number(value), 0) / total, 1 - at);
        const piece = s("rect", { class: `tone-${tone}`, x: `${at * 100}%`, width: `${width * 100}%`, height: 12 });
        at += width;
        return piece;
    });
    const line = mark ? s("line", { x1: `${(mark / total) * 100}%`, x2: `${(mark / total) * 100}%`, y1: 0, y2: 12 }) : null;
    const said = parts.map(({ name, value, shown }) => `${name}: ${shown ?? value}`).join(", ");
    return s("svg", { class: "bar", role: "img", "aria-label": `${label}. ${said}`, height: 12 }, pieces, line);
}

/** What the colours of a bar mean. */
export function legends(parts) {
    return h("p", { class: "legends" }, parts.map(({ name, tone, value, shown }) =>
        h("span", { class: `legend tone-${tone}` }, `${name} ${shown ?? value}`)));
}

export const badge = (text, level = "") => h("span", { class: `badge ${level}` }, text);

/** One of several, as buttons: `[[value, name]]`. */
export function choice({ label, options, chosen, choose }) {
    return h("div", { class: "choice", role: "group", "aria-label": label }, options.map(([value, name]) =>
        h("button", {
            type: "button", "data-key": `choice-${value}`, "aria-pressed": value === chosen ? "true" : "false",
            onclick: () => choose(value),
        }, name)));
}

/** A link to an account's page; a long address is shortened to its ends. */
export const accountLink = (account) =>
    h("a", { href: `#/miner/${encodeURIComponent(account)}`, title: account }, account.startsWith("aleo1") ? short(account, 12, 6) : account);

/** The share dump of a block. */
export const dumpLink = ({ url, file }, height) =>
    h("a", { href: url.replace(/^\//, ""), download: file }, "Download", h("span", { class: "unseen" }, ` the share dump of block ${height}`));
