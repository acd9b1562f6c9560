// The pool: its speed, its round, its finds, and what it may still land.

import { all, get } from "./api.js";
import { chart } from "./charts.js";
import { h } from "./dom.js";
import { aleo, percent, rate, si, span, whole } from "./format.js";
import { accountLink, badge, bar, card, choice, dumpLink, legends, since, table, tiles } from "./parts.js";
import { STATES, plural, scheme } from "./words.js";

/** Blocks and solutions shown. */
const LATEST = 10;

export function poolPage() {
    const rates = chart({ label: "Hash rate of the pool", kind: "line", format: rate });
    const shares = chart({ label: "Shares by verdict", kind: "bars", format: whole });
    const page = { title: "Pool", hours: 1 };
    page.load = async (signal) => all({
        pool: get("pool", { signal }),
        budgets: get("budget", { signal }),
        blocks: get(`blocks?limit=${LATEST}`, { signal }),
        solutions: get(`solutions?limit=${LATEST}`, { signal }),
        history: get(`history?hours=${page.hours}`, { signal }),
    });
    page.view = ({ pool, budgets, blocks, solutions, history }) => {
        showRates(rates, history);
        showShares(shares, history);
        const range = choice({
            label: "Span of the charts", options: [[1, "1 h"], [6, "6 h"], [24, "24 h"]], chosen: page.hours,
            choose: (hours) => {
                page.hours = hours;
                page.reload();
                page.changed();
            },
        });
        return [
            head(pool),
            alarm(pool),
            figures(pool),
            h("div", { class: "grid notice-gap", "data-key": "grid" },
                card({ title: "Hash rate", aside: range, wide: "half", key: "rates" }, rates.node),
                card({ title: "Shares", aside: verdicts(pool.shares), wide: "half", key: "shares" }, shares.node),
                roundCard(pool),
                budgetCard(budgets),
                blocksCard(blocks.items),
                stateCard(pool.solutions),
                solutionsCard(solutions.items),
                joinCard(pool)),
        ];
    };
    return page;
}

function head(pool) {
    const { chain } = pool;
    const place = chain.height === null || chain.height === undefined
        ? "the node is starting"
        : `block ${whole(chain.height)}, epoch ${whole(chain.epoch)}`;
    return h("div", { class: "head", "data-key": "head" }, h("div", null,
        h("h1", { tabindex: "-1" }, "Pool"),
        h("p", { class: "sub" }, `${pool.network}, ${place}, running for ${span(pool.uptime_seconds)}`)));
}

/** Only what a visitor should know; the operator's page has it all. */
function alarm(pool) {
    if (pool.draining) {
        return h("p", { class: "notice", "data-key": "alarm" }, "The pool is closing its ports for a restart. Miners reconnect by themselves.");
    }
    if (!pool.chain.synced) {
        const meaning = {
            refusing: "Work would earn nothing, so shares are refused until it is.",
            closed: "Work would earn nothing, so connections are closed until it is.",
        }[pool.chain.access] ?? "Miners get no new work until it is.";
        return h("p", { class: "notice", "data-key": "alarm" }, `The node is not in step with the network. ${meaning} `,
            h("a", { href: "#/operator" }, "See why"));
    }
    if (pool.level === "green") return null;
    return h("p", { class: `notice ${pool.level}`, "data-key": "alarm" },
        pool.level === "red" ? "A part of the pool has failed. " : "A part of the pool needs attention. ",
        h("a", { href: "#/operator" }, "See which"));
}

function figures({ rates, miners, workers, luck, shares, chain }) {
    const refused = Object.values(shares.refused).reduce((sum, count) => sum + count, 0);
    const all = shares.accepted + refused;
    return tiles(
        ["Hash rate", si(rates.ten_minutes), "attempts/s", `${si(rates.hour)} over 1 h, ${si(rates.day)} over 24 h`],
        ["Miners", whole(miners), null, plural(workers, "worker")],
        ["Accepted shares", all === 0 ? "–" : percent(shares.accepted / all), null, `${whole(shares.accepted)} since the start`],
        ["Effort of recent blocks", percent(luck.effort), null, luck.blocks === 0 ? "no block yet" : `over ${plural(luck.blocks, "block")}; less is lucky`],
        ["Proof target", chain.proof_target ? si(chain.proof_target) : "–", "attempts", `coinbase target ${chain.coinbase_target ? si(chain.coinbase_target) : "–"}`],
    );
}

const verdicts = ({ accepted, epoch_ended }) =>
    `${whole(accepted)} accepted${epoch_ended > 0 ? `, ${whole(epoch_ended)} a moment late` : ""}`;

const times = ({ from, step, accepted }) => accepted.map((_, index) => from + index * step);

function showRates(chart, history) {
    chart.update({
        times: times(history), step: history.step,
        series: [{ name: "Hash rate", tone: "good", values: history.rates }],
    });
}

function showShares(chart, history) {
    chart.update({
        times: times(history), step: history.step,
        series: [
            { name: "Accepted", tone: "good", values: history.accepted },
            { name: "Refused", tone: "bad", values: history.refused },
        ],
    });
}

function roundCard({ round, scheme: name, fees }) {
    const { effort } = round;
    const shown = effort === null || effort === undefined ? "unknown" : percent(effort);
    const parts = [{ name: "Work so far", value: effort ?? 0, tone: effort > 1 ? "warn" : "good", shown }];
    const fee = fees.reduce((sum, { basis_points }) => sum + basis_points, 0);
    return card({ title: "This round", aside: round.since ? ["since block ", whole(round.since_height), ", ", since(round.since)] : "no block yet", wide: "half", key: "round" },
        h("div", { class: "meter" },
            h("div", { class: "meter-head" }, h("strong", null, "Effort"), h("span", null, shown)),
            bar({ label: "Effort of the round", parts, whole: Math.max(1, effort ?? 0), mark: 1 }),
            h("p", { class: "sub" }, "100 % is the work a solution takes on average.")),
        h("dl", { class: "facts notice-gap" },
            h("dt", null, "Shares"), h("dd", null, whole(round.shares)),
            h("dt", null, "Work"), h("dd", null, `${si(round.work)} attempts`),
            h("dt", null, "Pays"), h("dd", null, scheme(name), fee > 0 ? ` Fees: ${percent(fee / 10_000)}.` : "")));
}

function budgetCard(budgets) {
    return card({ title: "Epoch budget", aside: "solutions that the stake allows", wide: "half", key: "budget" },
        budgets.length === 0 ? h("p", { class: "empty" }, "Shown as soon as the node is up.") : budgets.map(budget));
}

function budget(budget) {
    const limited = budget.limit !== null && budget.limit !== undefined;
    const parts = [
        { name: "Landed", value: budget.landed, tone: "good", shown: whole(budget.landed) },
        { name: "Left", value: limited ? budget.left : 0, tone: "rest", shown: limited ? whole(budget.left) : "no limit" },
    ];
    return h("div", { class: "meter", "data-key": budget.address },
        h("div", { class: "meter-head" },
            h("code", null, budget.address),
            h("span", { class: "sub" }, `${plural(budget.blocks_left, "block")} to the epoch's end`)),
        bar({ label: "Solutions of this epoch", parts: parts.slice(0, 1), whole: limited ? Math.max(budget.limit, 1) : Math.max(budget.landed, 1) }),
        legends(parts),
        h("dl", { class: "facts notice-gap" },
            h("dt", null, "Stake"), h("dd", null, `${aleo(budget.stake)} ALEO`),
            h("dt", null, "Per solution"), h("dd", null, budget.requirement ? `${aleo(budget.requirement)} ALEO` : "no requirement yet"),
            budget.next ? [h("dt", null, `After ${budget.next.after}`),
                h("dd", null, `${aleo(budget.next.requirement)} ALEO, ${plural(budget.next.limit, "solution")} an epoch`)] : null));
}

function blocksCard(blocks) {
    const finders = ({ solutions }) => {
        const names = [...new Set(solutions.map(({ finder }) => finder?.account).filter(Boolean))];
        return names.length === 0 ? "unknown" : names.map((name, index) => [index > 0 ? ", " : "", accountLink(name)]);
    };
    return card({ title: "Latest blocks", aside: "with solutions of this pool", key: "blocks" }, table({
        label: "Latest blocks",
        rows: blocks, key: ({ height }) => `block-${height}`,
        empty: "No block yet. A block appears here the moment it lands.",
        columns: [
            { name: "Block", cell: ({ height }) => whole(height) },
            { name: "When", cell: ({ time }) => since(time) },
            { name: "Solutions", num: true, cell: ({ solutions }) => solutions.length },
            { name: "Reward, ALEO", num: true, cell: ({ reward }) => aleo(reward) },
            { name: "Effort", num: true, cell: ({ round }) => percent(round.effort) },
            { name: "Found by", cell: finders },
            { name: "Share dump", cell: ({ dump, height }) => (dump ? dumpLink(dump, height) : "being written") },
        ],
    }));
}

function stateCard(counts) {
    const parts = [
        ["landed", counts.landed], ["released", counts.released], ["found", counts.waiting],
        ["aborted", counts.aborted], ["expired", counts.expired],
    ].map(([state, value]) => ({ ...STATES[state], value, shown: whole(value) }));
    return card({ title: "Solutions by state", aside: `${whole(counts.found)} found`, wide: "third", key: "states" },
        bar({ label: "Solutions by state", parts, whole: parts.reduce((sum, { value }) => sum + value, 0) || 1 }),
        h("dl", { class: "facts notice-gap" }, parts.map(({ name, tone, shown, means }) => [
            h("dt", { class: `legend tone-${tone}` }, name),
            h("dd", null, shown, h("span", { class: "sub" }, `, ${means}`)),
        ])));
}

function solutionsCard(solutions) {
    return card({ title: "Latest solutions", wide: "two-thirds", key: "solutions" }, table({
        label: "Latest solutions",
        rows: solutions, key: ({ id }) => `solution-${id}`,
        empty: "No solution yet.",
        columns: [
            { name: "Found", cell: ({ found_ms }) => (found_ms > 0 ? since(found_ms / 1000) : "unknown") },
            { name: "By", cell: ({ finder }) => (finder ? accountLink(finder.account) : "unknown") },
            { name: "Target", num: true, cell: ({ target }) => si(target) },
            { name: "State", cell: ({ state }) => badge(STATES[state]?.name ?? state, STATES[state]?.level) },
            { name: "Result", bare: true, cell: ({ reason }) => reason },
        ],
    }));
}

function joinCard(pool) {
    const ports = pool.ports.map(({ listen, dialect, tls }) =>
        h("li", null, h("code", null, listen), ` ${dialect}${tls ? ", with TLS" : ""}`));
    const port = pool.ports[0]?.listen.split(":").at(-1) ?? "3333";
    return card({ title: "Mine here", key: "join" },
        h("p", null, "Any AleoStratum miner works. The login is an Aleo address or account name, a dot, and a name for the machine:"),
        h("pre", null, `snarkos miner --pool ${location.hostname || "POOL"}:${port} --worker ADDRESS.rig-1`),
        ports.length > 1 ? [h("p", { class: "sub" }, "Ports:"), h("ul", { class: "steps" }, ports)] : null);
}
