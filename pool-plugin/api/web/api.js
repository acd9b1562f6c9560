// The pool's API. Addresses are relative to the page, so that it works behind any prefix of a reverse proxy.

/** What went wrong with a request, as a sentence. `status` is HTTP's; 0: no answer came. */
export class ApiError extends Error {
    constructor(status, message) {
        super(message);
        this.status = status;
    }
}

/** Reads `api/v1/{path}`. */
export const get = (path, options = {}) => request(path, { ...options, method: "GET" });

/** Sends a body as JSON. */
export const post = (path, body, options = {}) => request(path, {
    ...options,
    method: "POST",
    headers: { "content-type": "application/json", ...options.headers },
    body: JSON.stringify(body),
});

async function request(path, options) {
    let response;
    try {
        response = await fetch(`api/v1/${path}`, { cache: "no-cache", credentials: "omit", ...options });
    } catch (error) {
        if (error.name === "AbortError") throw error;
        throw new ApiError(0, "The pool does not answer. Retrying every few seconds.");
    }
    const body = await response.json().catch(() => null);
    if (response.ok && body !== null) return body;
    throw new ApiError(response.status, problem(response, body));
}

/** The sentence of a problem document (RFC 9457), or of the status. */
function problem(response, body) {
    const said = body?.detail ?? body?.title;
    if (typeof said === "string" && said !== "") return said;
    return `The pool answered with status ${response.status}.`;
}

/** Several resources at once: an object of promises becomes an object of values. */
export async function all(requests) {
    const names = Object.keys(requests);
    const values = await Promise.all(Object.values(requests));
    return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

/** The pages of a list, up to `most` entries. */
export async function list(path, most, options) {
    const entries = [];
    let cursor = null;
    do {
        const separator = path.includes("?") ? "&" : "?";
        const page = await get(cursor ? `${path}${separator}cursor=${encodeURIComponent(cursor)}` : path, options);
        entries.push(...page.items);
        cursor = page.next;
    } while (cursor && entries.length < most);
    return { entries, more: cursor !== null && cursor !== undefined };
}
