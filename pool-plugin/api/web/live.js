// Reports news: by server-sent events, or, while these do not come through, by polling.

const POLL = 5_000;
/** A stream that sends nothing, not even a keep-alive, counts as dead. */
const SILENCE = 60_000;
const RETRY = [1_000, 2_000, 5_000, 15_000, 30_000];

/**
 * Calls `news(name, data)` for each event of these names, with null for data when polling, and
 * `state(word)` when the way news arrives changes: "live", "polling" or "connecting".
 */
export function follow({ names, news, state }) {
    let source = null;
    let failures = 0;
    let poll = null;
    let silence = null;

    const heard = () => {
        clearTimeout(silence);
        silence = setTimeout(lost, SILENCE);
    };
    const lost = () => {
        source?.close();
        clearTimeout(silence);
        state("polling");
        poll ??= setInterval(() => news("poll", null), POLL);
        setTimeout(connect, RETRY[Math.min(failures, RETRY.length - 1)]);
        failures += 1;
    };
    const connect = () => {
        source = new EventSource("api/v1/events");
        source.onopen = () => {
            failures = 0;
            clearInterval(poll);
            poll = null;
            state("live");
            heard();
            // Whatever happened in the meantime.
            news("open", null);
        };
        source.onerror = lost;
        for (const name of names) {
            source.addEventListener(name, (event) => {
                heard();
                news(name, JSON.parse(event.data));
            });
        }
    };
    state("connecting");
    connect();
}
