// The admin's token and orders. The token lives only in this variable: it is gone with the page.

import { get, post } from "./api.js";

let token = null;

export const isAdmin = () => token !== null;

export function forget() {
    token = null;
}

const headers = (shown) => ({ authorization: `Bearer ${shown}` });

/** Reads what only the admin may: "sessions", "bans", "peers". */
export const read = (what, signal) => get(`admin/${what}`, { headers: headers(token), signal });

/** Gives an order, as the admin socket takes them: `{ command: "ban", network: … }`. */
export const order = (command) => post("admin/command", command, { headers: headers(token) });

/** Keeps a token if the pool accepts it. No other request uses it before: wrong ones are counted. */
export async function enter(candidate) {
    await get("admin/status", { headers: headers(candidate) });
    token = candidate;
}
