// Names and texts for the API's values.

import { whole } from "./format.js";

/** Why a share was refused: what it means, and what a miner can do. */
export const REFUSALS = {
    stale: {
        name: "Too old",
        means: "The share was for a job of an epoch that is over, or for a job this pool does not know.",
        advice: "Many of these: the connection is slow, or the miner keeps working on an old job after a new one came.",
    },
    epoch_ended: {
        name: "A moment too late",
        means: "The epoch ended while the share was on its way. Nobody is at fault, and it never counts against a miner.",
        advice: "A few at each new epoch are normal.",
    },
    duplicate: {
        name: "Sent twice",
        means: "The same counter was submitted before in this epoch, by this worker or another.",
        advice: "Many of these: two machines try the same counters. Give each its own worker name and seed.",
    },
    low_difficulty: {
        name: "Below its target",
        means: "The counter does not reach the share target it was assigned.",
        advice: "Any of these: the miner computes wrong results (overclocked, outdated), or it ignores new targets.",
    },
    other: {
        name: "Not readable, or not checked",
        means: "The share was malformed, or the pool was too busy to verify or store it.",
        advice: "Send it again if the pool was busy; otherwise update the miner.",
    },
    unauthorized: {
        name: "Not logged in",
        means: "The share came before the worker had logged in.",
        advice: "Check the login: an Aleo address or account name, a dot, a worker name.",
    },
    not_subscribed: {
        name: "Not subscribed",
        means: "The share came before the connection had subscribed.",
        advice: "Update the miner: it does not follow the protocol.",
    },
};

export const refusal = (reason) => REFUSALS[reason] ?? { name: reason, means: "", advice: "" };

/** A solution's state: its name, and its colour. */
export const STATES = {
    found: { name: "Waiting", tone: "warn", level: "amber", means: "found, not yet sent to the network" },
    released: { name: "On its way", tone: "wait", level: "", means: "sent to the network, not yet in a block" },
    landed: { name: "Landed", tone: "good", level: "green", means: "in a block, and rewarded" },
    aborted: { name: "Aborted", tone: "bad", level: "red", means: "a block aborted it; it can never land" },
    expired: { name: "Expired", tone: "rest", level: "", means: "its epoch ended first" },
};

export const LEVELS = { green: "Healthy", amber: "Attention", red: "Failing" };

/** The parts with a health report. */
export const PARTS = {
    chain: "Network",
    shares: "Shares",
    ledger: "Share ledger",
    disk: "Disk",
    release: "Release queue",
    rounds: "Rounds",
    verification: "Verification",
    redis: "Redis sink",
    postgres: "PostgreSQL sink",
    webhooks: "Webhooks",
    puzzle: "Puzzle",
    books: "Books",
    finds: "Finds",
};

/** How rewards are shared out, as a sentence. */
export function scheme(name) {
    if (name === "prop") return "Each block's reward is shared in proportion to the work since the last block.";
    if (name === "solo") return "Each solution's reward goes to its finder.";
    const window = /^pplns:(\d+)$/.exec(name)?.[1];
    if (window) return `Each block's reward is shared in proportion to the latest work: ${window} times the proof target.`;
    return name;
}

export const plural = (count, one, many = `${one}s`) => `${whole(count)} ${Number(count) === 1 ? one : many}`;
