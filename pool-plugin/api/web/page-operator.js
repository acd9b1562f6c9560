// The operator's page: the health of each part and what to do, the queues, and, with the admin's token,
// sessions and bans.

import { all, get } from "./api.js";
import { h } from "./dom.js";
import { moment, percent, si, span, whole } from "./format.js";
import { badge, bar, card, legends, tiles } from "./parts.js";
import { adminCards, loadAdmin } from "./operator-admin.js";
import { LEVELS, PARTS, plural, refusal } from "./words.js";

export function operatorPage() {
    // The answer to the last order, shown until the next one.
    const page = { title: "Operator", said: null };
    page.load = async (signal) => all({
        pool: get("pool", { signal }),
        health: get("health", { signal }),
        secrets: loadAdmin(signal),
    });
    page.view = ({ pool, health, secrets }) => [
        h("div", { class: "head", "data-key": "head" }, h("div", null,
            h("h1", { tabindex: "-1" }, "Operator"),
            h("p", { class: "sub" }, `version ${pool.version}, ${pool.network}, running for ${span(pool.uptime_seconds)}`))),
        figures(pool),
        h("div", { class: "grid notice-gap", "data-key": "grid" },
            healthCard(health),
            syncCard(pool.chain),
            queueCard(pool),
            sharesCard(pool),
            sessionsCard(pool),
            sinksCard(health.parts),
            bansCard(pool.bans),
            adminCards(page, secrets)),
    ];
    return page;
}

function figures({ level, chain, verification, connections, miners, workers }) {
    return tiles(
        ["Health", LEVELS[level] ?? level, null, level === "green" ? "all parts work" : "see below"],
        ["Height", chain.height === null || chain.height === undefined ? "–" : whole(chain.height), null, sync(chain)],
        ["Connections", whole(connections), null, `${plural(miners, "account")}, ${plural(workers, "worker")}`],
        ["Verified", si(verification.per_second), "shares/s", `${whole(verification.queued)} waiting`],
    );
}

const STATES = {
    following: "following the network",
    catching_up: "catching up",
    network_halted: "the network has stopped",
    stuck: "stuck",
    isolated: "no peer answers",
};

function sync({ following, behind }) {
    const state = STATES[following] ?? "the node is starting";
    return behind > 0 ? `${state}, ${plural(behind, "block")} behind` : state;
}

const ACCESS = {
    open: "miners work",
    no_new_jobs: "miners get no new job",
    refusing: "shares are refused",
    closed: "connections are closed",
};

/** The release, the consensus version in force and the next one. */
function protocol({ release, consensus_version, known_version, next_activation, newer_version, announced_version }) {
    if (!release) return fact("Release", "–");
    const next = next_activation
        ? `V${next_activation.version} at block ${whole(next_activation.height)}, expected ${moment(next_activation.expected)}`
        : `none scheduled; this release knows up to V${known_version}`;
    return [
        fact("Release", `snarkOS ${release}`),
        fact("Consensus", `V${consensus_version} in force`),
        fact("Next version", next),
        newer_version
            ? fact("Upgrade", badge(`the network runs V${newer_version.version} since block ${whole(newer_version.height)}`, "red"))
            : announced_version ? fact("Upgrade", badge(`peers are ready for V${announced_version}`, "amber")) : null,
    ];
}

function healthCard({ level, parts }) {
    const worst = { red: 0, amber: 1, green: 2 };
    const sorted = [...parts].sort((one, other) => worst[one.level] - worst[other.level]);
    return card({ title: "Health", aside: badge(LEVELS[level] ?? level, level), key: "health" },
        sorted.length === 0 ? h("p", { class: "empty" }, "No part has reported yet.") : h("ul", { class: "health" }, sorted.map(({ part, level, text }) =>
            h("li", { "data-key": `part-${part}` },
                h("span", null, badge(LEVELS[level] ?? level, level)),
                h("span", { class: "part" }, PARTS[part] ?? part),
                h("span", { class: "said" }, text)))));
}

const fact = (name, ...value) => [h("dt", null, name), h("dd", null, value)];

function syncCard(chain) {
    return card({ title: "Sync and peers", wide: "half", key: "sync" }, h("dl", { class: "facts" },
        fact("Sync", badge(chain.synced ? "in step" : "not in step", chain.synced ? "green" : "red"), ` ${sync(chain)}`),
        chain.access === "open" ? null : fact("Miners", ACCESS[chain.access] ?? chain.access),
        protocol(chain),
        fact("Peers", whole(chain.peers)),
        fact("Validators", `${whole(chain.synced_validators)} at our height`),
        fact("Epoch", chain.epoch === null || chain.epoch === undefined ? "–" : [whole(chain.epoch), ", ", plural(chain.blocks_left ?? 0, "block"), " left",
            chain.job_epoch > chain.epoch ? `, jobs are for epoch ${whole(chain.job_epoch)}` : ""]),
        fact("Epoch hash", h("code", null, chain.epoch_hash ?? "–"))));
}

function queueCard({ verification, solutions, evaluator }) {
    const { queued, capacity, threads, verified, panicked, brake_doublings } = verification;
    const parts = [{ name: "Waiting", value: queued, tone: queued > capacity / 2 ? "bad" : "good", shown: `${whole(queued)} of ${whole(capacity)}` }];
    return card({ title: "Queues", wide: "half", key: "queue" },
        h("div", { class: "meter" },
            h("div", { class: "meter-head" }, h("strong", null, "Verification"), h("span", { class: "sub" }, `${plural(threads, "thread")}, ${whole(verified)} verified`)),
            bar({ label: "Verification queue", parts, whole: capacity }), legends(parts)),
        h("dl", { class: "facts notice-gap" },
            fact("Solutions", `${whole(solutions.waiting)} waiting, ${whole(solutions.released)} on the way`),
            fact("Brake", brake_doublings === 0 ? "off" : `share targets are doubled ${plural(brake_doublings, "time")}: verification is behind`),
            fact("Evaluator", `${evaluator.kind}${evaluator.fallback_now ? ", this epoch by snarkVM" : ""}; of ${whole(evaluator.checked)} checked, ${whole(evaluator.wrong)} wrong`),
            panicked > 0 ? fact("Panics", plural(panicked, "evaluation")) : null));
}

function sinksCard(parts) {
    const sinks = parts.filter(({ part }) => part === "redis" || part === "postgres");
    return card({ title: "Sinks", wide: "half", key: "sinks" },
        sinks.length === 0 ? h("p", { class: "empty" }, "None. Copies of the books in Redis or PostgreSQL are off.") : h("dl", { class: "facts" },
            sinks.map(({ part, level, text }) => fact(PARTS[part], badge(LEVELS[level] ?? level, level), " ", text))));
}

function sharesCard({ shares, restarts }) {
    const refused = Object.entries(shares.refused).filter(([, count]) => count > 0);
    const total = shares.accepted + refused.reduce((sum, [, count]) => sum + count, 0);
    const again = Object.entries(restarts).filter(([, count]) => count > 0);
    return card({ title: "Shares since the start", wide: "half", key: "verdicts" }, h("dl", { class: "facts" },
        fact("Accepted", `${whole(shares.accepted)}${total > 0 ? ` (${percent(shares.accepted / total)})` : ""}`),
        refused.map(([reason, count]) => fact(refusal(reason).name, whole(count))),
        fact("A moment too late", whole(shares.epoch_ended)),
        fact("Not a request", whole(shares.garbage)),
        fact("Refused connections", whole(shares.turned_away)),
        again.length > 0 ? fact("Parts restarted", again.map(([part, count]) => `${part} ${whole(count)}`).join(", ")) : null));
}

function sessionsCard({ sessions, ports }) {
    return card({ title: "Connections", wide: "half", key: "dialects" }, h("dl", { class: "facts" },
        sessions.filter(({ now }) => now > 0).map(({ dialect, state, now }) => fact(dialect, `${whole(now)} ${state}`)),
        fact("Ports", ports.map(({ listen, dialect, tls }, index) => [index > 0 ? h("br") : null, h("code", null, listen), ` ${dialect}${tls ? ", TLS" : ""}`]))));
}

function bansCard({ now, addresses, workers, by_operator }) {
    return card({ title: "Bans", wide: "half", key: "bans" }, h("dl", { class: "facts" },
        fact("In force", whole(now)),
        fact("Addresses", `${whole(addresses)} banned by the pool since the start`),
        fact("Workers", `${whole(workers)} banned by the pool since the start`),
        fact("By the operator", `${whole(by_operator)} since the start`)));
}
