// A miner's page: an account's machines, its shares and why some were refused, and what it was paid.

import { all, get, list } from "./api.js";
import { chart } from "./charts.js";
import { h } from "./dom.js";
import { aleo, percent, rate, si, whole } from "./format.js";
import { accountLink, badge, card, choice, dumpLink, since, table, tiles } from "./parts.js";
import { plural, refusal } from "./words.js";

/** Accounts and workers shown at most. */
const MOST = 200;
/** Rewards shown at first, and how many more at a time. */
const REWARDS = 20;

export const minerPage = (account) => (account === "" ? directoryPage() : accountPage(account));

function directoryPage() {
    return {
        title: "Miners",
        load: (signal) => list("accounts?limit=100", MOST, { signal }),
        view: ({ entries, more }) => [
            h("div", { class: "head", "data-key": "head" }, h("div", null, h("h1", { tabindex: "-1" }, "Miners"),
                h("p", { class: "sub" }, "An account is the part of a login before the dot."))),
            card({ title: "Find an account", key: "find" }, searchForm()),
            h("div", { class: "notice-gap", "data-key": "accounts" }, card({ title: "Accounts", key: "list" }, accountsTable(entries),
                more ? h("p", { class: "sub" }, `The first ${entries.length} accounts. Find others by name.`) : null)),
        ],
    };
}

function searchForm() {
    return h("form", {
        class: "form", role: "search",
        onsubmit: (event) => {
            event.preventDefault();
            const account = event.target.elements.account.value.trim().split(".")[0];
            if (account !== "") location.hash = `#/miner/${encodeURIComponent(account)}`;
        },
    },
    h("label", null, "Aleo address or account name", h("input", { name: "account", autocomplete: "off", autocapitalize: "off", spellcheck: "false", required: true })),
    h("button", null, "Show"));
}

function accountsTable(accounts) {
    return table({
        label: "Accounts",
        rows: accounts, key: ({ account }) => `account-${account}`,
        empty: "Nobody has mined here yet.",
        columns: [
            { name: "Account", bare: true, cell: ({ account }) => accountLink(account) },
            { name: "Online", num: true, cell: ({ online, workers }) => `${whole(online)} of ${whole(workers)}` },
            { name: "Attempts/s, 1 h", num: true, cell: ({ rates }) => si(rates.hour) },
            { name: "Shares", num: true, cell: ({ total_shares }) => whole(total_shares) },
            { name: "Rewards, ALEO", num: true, cell: ({ rewards }) => aleo(rewards) },
            { name: "Last share", cell: ({ last_share }) => since(last_share) },
        ],
    });
}

function accountPage(account) {
    const path = `accounts/${encodeURIComponent(account)}`;
    const rates = chart({ label: "Hash rate of the account", kind: "line", format: rate });
    const page = { title: account, hours: 1, rewards: REWARDS };
    page.load = async (signal) => {
        try {
            return await all({
                account: get(path, { signal }),
                workers: list(`${path}/workers?limit=100`, MOST, { signal }),
                rewards: list(`${path}/rewards?limit=${REWARDS}`, page.rewards, { signal }),
                history: get(`${path}/history?hours=${page.hours}`, { signal }),
            });
        } catch (error) {
            if (error.status !== 404) throw error;
            return { account: null };
        }
    };
    page.view = (data) => (data.account === null ? unknown(account) : known(page, rates, data));
    return page;
}

function unknown(account) {
    return [
        h("div", { class: "head", "data-key": "head" }, h("div", null, h("h1", { tabindex: "-1" }, account),
            h("p", { class: "sub" }, "This pool has no share of this account. Is it written as in the miner's login, without the dot and the worker name?"))),
        card({ title: "Find an account", key: "find" }, searchForm()),
    ];
}

function known(page, rates, { account, workers, rewards, history }) {
    rates.update({
        times: history.rates.map((_, index) => history.from + index * history.step), step: history.step,
        series: [{ name: "Hash rate", tone: "good", values: history.rates }],
    });
    const range = choice({
        label: "Span of the chart", options: [[1, "1 h"], [24, "24 h"]], chosen: page.hours,
        choose: (hours) => {
            page.hours = hours;
            page.reload();
            page.changed();
        },
    });
    return [
        h("div", { class: "head", "data-key": "head" }, h("div", null, h("h1", { tabindex: "-1" }, account.account),
            h("p", { class: "sub" }, account.online > 0 ? `${account.online} of ${plural(account.workers, "worker")} connected` : "no worker connected",
                ", last share ", since(account.last_share)))),
        figures(account),
        h("div", { class: "grid notice-gap", "data-key": "grid" },
            card({ title: "Hash rate", aside: range, wide: "half", key: "rates" }, rates.node),
            refusedCard(account.shares),
            workersCard(workers),
            rewardsCard(page, rewards),
            verifyCard(rewards.entries[0])),
    ];
}

function figures(account) {
    const { rates, shares } = account;
    const refused = Object.values(shares.refused).reduce((sum, count) => sum + count, 0);
    const all = shares.accepted + refused;
    const paid = account.paid === null || account.paid === undefined ? "payments are not recorded here" : `${aleo(account.paid)} paid`;
    return tiles(
        ["Hash rate", si(rates.ten_minutes), "attempts/s", `${si(rates.hour)} over 1 h, ${si(rates.day)} over 24 h`],
        ["Rewards", aleo(account.rewards), "ALEO", paid],
        ["Credited work", si(account.credited), "attempts", `${plural(account.total_shares, "share")} in total`],
        ["Accepted shares", all === 0 ? "–" : percent(shares.accepted / all), null, `${whole(shares.accepted)} since the pool's start`],
    );
}

const refusedOf = ({ refused, epoch_ended }) =>
    [...Object.entries(refused), ...(epoch_ended > 0 ? [["epoch_ended", epoch_ended]] : [])].filter(([, count]) => count > 0);

function refusedCard(shares) {
    const reasons = refusedOf(shares).sort(([, one], [, other]) => other - one);
    return card({ title: "Refused shares", aside: "since the pool's start", wide: "half", key: "refused" },
        reasons.length === 0 ? h("p", { class: "empty" }, "None. Every share was accepted.") : h("dl", null, reasons.map(([reason, count]) => {
            const { name, means, advice } = refusal(reason);
            return [
                h("dt", { class: "meter-head" }, h("strong", null, name), h("span", null, plural(count, "share"))),
                h("dd", { class: "sub" }, means, " ", advice),
            ];
        })));
}

function workersCard({ entries, more }) {
    const refused = ({ shares }) => {
        const reasons = refusedOf(shares);
        if (reasons.length === 0) return "0";
        return reasons.map(([reason, count], index) => [index > 0 ? ", " : "", `${whole(count)} ${refusal(reason).name.toLowerCase()}`]);
    };
    return card({ title: "Workers", aside: plural(entries.length, "machine"), key: "workers" }, table({
        label: "Workers",
        rows: entries, key: ({ worker }) => `worker-${worker}`,
        empty: "No worker seen recently.",
        columns: [
            { name: "Worker", bare: true, cell: ({ worker, online }) => [worker === "" ? "(no name)" : worker, " ", online > 0 ? badge("online", "green") : badge("away")] },
            { name: "Attempts/s, 10 min", num: true, cell: ({ rates }) => si(rates.ten_minutes) },
            { name: "1 h", num: true, cell: ({ rates }) => si(rates.hour) },
            { name: "24 h", num: true, cell: ({ rates }) => si(rates.day) },
            { name: "Target", num: true, cell: ({ target }) => (target ? si(target) : "–") },
            { name: "Accepted", num: true, cell: ({ shares }) => whole(shares.accepted) },
            { name: "Refused", cell: refused },
            { name: "Best", num: true, cell: ({ shares }) => (shares.best === "0" ? "–" : si(shares.best)) },
            { name: "Last share", cell: ({ last_share }) => since(last_share) },
        ],
    }), more ? h("p", { class: "sub" }, `The first ${entries.length} workers.`) : null);
}

function rewardsCard(page, { entries, more }) {
    return card({ title: "Rewards", aside: "what each block paid this account", wide: "half", key: "rewards" }, table({
        label: "Rewards",
        rows: entries, key: ({ height }) => `reward-${height}`,
        empty: "No reward yet. Each block that pays for work of this account appears here.",
        columns: [
            { name: "Block", cell: ({ height }) => whole(height) },
            { name: "When", cell: ({ time }) => since(time) },
            { name: "Reward, ALEO", num: true, cell: ({ reward }) => aleo(reward) },
            { name: "Share dump", cell: ({ dump, height }) => dumpLink(dump, height) },
        ],
    }), more ? h("p", { class: "sub" }, h("button", {
        type: "button", class: "quiet",
        onclick: () => {
            page.rewards = entries.length + REWARDS;
            page.reload();
        },
    }, "Show more")) : null);
}

function verifyCard(reward) {
    const file = reward?.dump.file ?? "HEIGHT-HASH.json";
    return card({ title: "Verify it yourself", wide: "half", key: "verify" },
        h("p", null, "A share dump lists the work that a block paid for, and what each account got. It can be checked without trusting this pool:"),
        h("ol", { class: "steps" },
            h("li", null, "Download the share dump of the block."),
            h("li", null, "Take ", h("code", null, "scripts/verify_dump.py"), " from the pool's source; it needs only Python."),
            h("li", null, "Let it check the sums, the split and, with your own node, the block and its rewards:",
                h("pre", null, `python3 verify_dump.py ${file} --node http://127.0.0.1:3030`)),
            reward?.dump.digest ? h("li", null, "Each dump contains the digest of the previous one, so that none can be changed later. The latest digest:",
                h("pre", null, reward.dump.digest)) : null));
}
