// The frame: which page is shown, when it reloads its data, and what is shown if it cannot.

import { h, patch } from "./dom.js";
import { moment, whole } from "./format.js";
import { follow } from "./live.js";
import { tick } from "./parts.js";
import { minerPage } from "./page-miner.js";
import { operatorPage } from "./page-operator.js";
import { poolPage } from "./page-pool.js";

const main = document.getElementById("main");
const live = document.getElementById("live");

/** News comes in bursts; a page reads again at most this often, in milliseconds. */
const PACE = 1_000;
/** Data without events is read again after this long. */
const REFRESH = 10_000;

/** The page shown: `{ name, title, load(signal), view(data) }`, and the result of reading its data. */
let shown = null;

const WORDS = { connecting: "Connecting", live: "Live", polling: "Every 5 s", offline: "No answer" };

function setLive(state) {
    live.dataset.state = state;
    if (live.textContent !== WORDS[state]) live.textContent = WORDS[state];
}

/** What the address asks for. */
function route() {
    const [, name = "", argument = ""] = location.hash.split("/");
    let decoded = "";
    try {
        decoded = decodeURIComponent(argument);
    } catch {
        // No name at all, then.
    }
    switch (name) {
        case "": return { name: "pool", make: () => poolPage() };
        case "miner": return { name: "miner", make: () => minerPage(decoded) };
        case "operator": return { name: "operator", make: () => operatorPage() };
        default: return { name: "", make: () => lostPage() };
    }
}

function lostPage() {
    return {
        title: "No such page",
        load: async () => ({}),
        view: () => [h("h1", { tabindex: "-1" }, "No such page"), h("p", null, h("a", { href: "#/" }, "Go to the pool"))],
    };
}

function show(first) {
    shown?.abort.abort();
    const { name, make } = route();
    const page = make();
    shown = { page, abort: new AbortController(), data: null, error: null, busy: false, again: false };
    page.changed = () => render();
    page.reload = () => read();
    document.title = `${page.title} · Aleo pool`;
    for (const link of document.querySelectorAll("nav a")) {
        if (link.dataset.page === name) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    main.replaceChildren();
    render();
    // Announces the new page to a screen reader; at the first load the browser does that.
    if (!first) {
        window.scrollTo(0, 0);
        main.querySelector("h1")?.focus();
    }
    read();
}

/** Reads the page's data, one request at a time and at most one per `PACE`. */
async function read() {
    const mine = shown;
    if (mine.busy) {
        mine.again = true;
        return;
    }
    mine.busy = true;
    try {
        mine.data = await mine.page.load(mine.abort.signal);
        mine.error = null;
        if (live.dataset.state === "offline") setLive("polling");
    } catch (error) {
        if (mine.abort.signal.aborted) return;
        mine.error = error;
        if (error.status === 0) setLive("offline");
    }
    if (mine !== shown) return;
    render();
    setTimeout(() => {
        mine.busy = false;
        if (mine.again && mine === shown) {
            mine.again = false;
            read();
        }
    }, PACE);
}

function render() {
    const { page, data, error } = shown;
    const notice = error
        ? h("p", { class: "notice red", role: "alert", "data-key": "error" }, error.message ?? String(error))
        : null;
    const announced = main.contains(document.activeElement) && document.activeElement.tagName === "H1";
    if (data) patch(main, notice, page.view(data));
    else patch(main, notice, h("h1", { tabindex: "-1" }, page.title), error ? null : h("p", { class: "empty" }, "Loading…"));
    showRelease(data?.pool?.chain);
    // The heading that comes with the data replaces the announced one, and takes its focus.
    if (announced && !main.contains(document.activeElement)) main.querySelector("h1")?.focus({ preventScroll: true });
}

document.getElementById("skip").addEventListener("click", (event) => {
    // The address names the page and must not change.
    event.preventDefault();
    main.focus();
});
window.addEventListener("hashchange", () => show(false));
document.addEventListener("visibilitychange", () => {
    if (!document.hidden) read();
});
show(true);
follow({
    names: ["pool", "block", "health"],
    news: (name, data) => {
        if (document.hidden) return;
        if (name === "pool") advance(data);
        else read();
    },
    state: setLive,
});
setInterval(() => tick(main), 1_000);
setInterval(() => {
    if (!document.hidden) read();
}, REFRESH);

/** The footer: the node's release, the consensus version in force and the one to come. */
function showRelease(chain) {
    if (!chain?.release) return;
    const { release: name, consensus_version, next_activation: next } = chain;
    const then = next
        ? `; V${next.version} at block ${whole(next.height)}, expected ${moment(next.expected)}`
        : "";
    const line = document.getElementById("release");
    line.textContent = `snarkOS ${name}, consensus V${consensus_version}${then}.`;
    line.hidden = false;
}

/** Applies the event of each second; the rest stays as it was read. */
function advance({ time, height, synced, rates, miners, workers, accepted, effort, queued }) {
    const pool = shown.data?.pool;
    if (!pool) return;
    pool.uptime_seconds += Math.max(0, time - pool.time);
    Object.assign(pool, { time, rates, miners, workers });
    Object.assign(pool.chain, { height, synced });
    pool.shares.accepted = accepted;
    pool.round.effort = effort;
    pool.verification.queued = queued;
    render();
}
