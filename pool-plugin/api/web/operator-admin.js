// What only the admin sees and does: sessions, bans, orders.

import * as admin from "./admin.js";
import { all } from "./api.js";
import { h } from "./dom.js";
import { moment, whole } from "./format.js";
import { accountLink, card, since, table } from "./parts.js";

/** Sessions shown. */
const MOST = 100;

/** Reads the admin's data; null without a token. A token that is no longer accepted is forgotten. */
export async function loadAdmin(signal) {
    if (!admin.isAdmin()) return null;
    try {
        return await all({
            sessions: admin.read("sessions", signal),
            bans: admin.read("bans", signal),
            peers: admin.read("peers", signal),
        });
    } catch (error) {
        if (error.status !== 401 && error.status !== 403) throw error;
        admin.forget();
        return null;
    }
}

export function adminCards(page, secrets) {
    const said = page.said
        ? h("p", { class: `notice ${page.said.level}`, role: "status", "data-key": "said" }, page.said.text)
        : h("p", { class: "unseen", role: "status", "data-key": "said" });
    if (!secrets) return [card({ title: "Admin", key: "admin" }, said, tokenForm(page))];
    return [
        card({ title: "Admin", key: "admin" }, said, orders(page)),
        sessionsCard(page, secrets.sessions.sessions),
        listCard(page, secrets.bans),
        peersCard(secrets.peers),
    ];
}

/** Gives an order and shows its result. */
async function tell(page, order, done) {
    try {
        await order();
        page.said = done ? { level: "green", text: done } : null;
    } catch (error) {
        page.said = { level: "red", text: error.message };
    }
    page.changed();
    page.reload();
}

function tokenForm(page) {
    return h("form", {
        class: "form", "data-key": "token",
        onsubmit: (event) => {
            event.preventDefault();
            const { token } = event.target.elements;
            tell(page, () => admin.enter(token.value), null);
            token.value = "";
        },
    },
    h("label", null, "Admin token, to see sessions and bans and give orders",
        h("input", { name: "token", type: "password", autocomplete: "off", required: true })),
    h("button", null, "Open"),
    h("p", { class: "sub" }, "It is kept only in this page's memory, until the page is closed or reloaded."));
}

function orders(page) {
    return [
        h("form", {
            class: "form", "data-key": "ban",
            onsubmit: (event) => {
                event.preventDefault();
                const form = event.target;
                const { network, minutes, reason } = form.elements;
                const time = minutes.value === "" ? null : Number(minutes.value);
                const ban = { command: "ban", network: network.value.trim(), minutes: time, reason: reason.value.trim() };
                tell(page, () => admin.order(ban), `${ban.network} is banned.`);
                form.reset();
            },
        },
        h("label", null, "Ban an address or network", h("input", { name: "network", autocomplete: "off", required: true, placeholder: "192.0.2.7 or 192.0.2.0/24" })),
        h("label", { class: "narrow" }, "Minutes", h("input", { name: "minutes", type: "number", min: "1", placeholder: "no limit" })),
        h("label", null, "Why", h("input", { name: "reason", autocomplete: "off" })),
        h("button", null, "Ban")),
        h("p", { class: "form notice-gap", "data-key": "buttons" },
            h("button", { type: "button", class: "quiet", onclick: () => tell(page, () => admin.order({ command: "reload" }), "Users, certificate and settings were reloaded.") }, "Reload"),
            h("button", {
                type: "button", class: "quiet",
                onclick: () => {
                    if (confirm("Close the miners' ports until the node is restarted?")) {
                        tell(page, () => admin.order({ command: "drain" }), "The ports are closing.");
                    }
                },
            }, "Drain"),
            h("button", {
                type: "button", class: "quiet",
                onclick: () => {
                    admin.forget();
                    tell(page, async () => {}, "The token is forgotten.");
                },
            }, "Forget the token")),
    ];
}

function sessionsCard(page, sessions) {
    const kick = ({ session, account }) => h("button", {
        type: "button", class: "quiet", "aria-label": `Kick session ${session}`,
        onclick: () => tell(page, () => admin.order({ command: "kick", who: session }), `Session ${session}${account === "" ? "" : ` of ${account}`} is closed.`),
    }, "Kick");
    return card({ title: "Sessions", aside: `${whole(sessions.length)} open`, key: "sessions" }, table({
        label: "Sessions",
        rows: sessions.slice(0, MOST), key: ({ session }) => `session-${session}`,
        empty: "Nobody is connected.",
        columns: [
            { name: "Session", cell: ({ session }) => h("code", null, session) },
            { name: "From", cell: ({ peer }) => peer },
            { name: "Since", cell: ({ since_ms }) => since(since_ms / 1000) },
            { name: "Account", bare: true, cell: ({ account }) => (account === "" ? "not logged in" : accountLink(account)) },
            { name: "Worker", cell: ({ worker }) => worker },
            { name: "Accepted", num: true, cell: ({ accepted }) => whole(accepted) },
            { name: "Refused", num: true, cell: ({ refused }) => whole(refused) },
            { name: "Order", cell: kick },
        ],
    }), sessions.length > MOST ? h("p", { class: "sub" }, `The first ${MOST}; the admin socket lists all.`) : null);
}

function listCard(page, { bans, allowed }) {
    const lift = ({ network }) => h("button", {
        type: "button", class: "quiet", "aria-label": `Lift the ban of ${network}`,
        onclick: () => tell(page, () => admin.order({ command: "unban", network }), `${network} may connect again.`),
    }, "Lift");
    return card({ title: "Bans and the allow-list", key: "banned" }, table({
        label: "Bans",
        rows: bans, key: ({ network }) => `ban-${network}`,
        empty: "Nobody is banned.",
        columns: [
            { name: "Network", cell: ({ network }) => network },
            { name: "Until", cell: ({ until }) => (until ? moment(until) : "lifted by you") },
            { name: "By", cell: ({ by }) => by },
            { name: "Why", cell: ({ reason }) => reason },
            { name: "Order", cell: lift },
        ],
    }), allowed.length > 0 ? h("p", { class: "sub" }, `Free of limits and penalties: ${allowed.join(", ")}`) : null);
}

function peersCard(peers) {
    return card({ title: "Peers", aside: `${whole(peers.length)} connected`, key: "peers" }, table({
        label: "Peers",
        rows: peers, key: ({ address }) => `peer-${address}`,
        empty: "No peer is connected.",
        columns: [
            { name: "Address", cell: ({ address }) => address },
            { name: "Kind", cell: ({ validator }) => (validator ? "validator" : "client") },
            { name: "Trusted", cell: ({ trusted }) => (trusted ? "yes" : "no") },
            { name: "Height", num: true, cell: ({ height }) => whole(height) },
        ],
    }));
}
