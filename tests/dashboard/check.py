#!/usr/bin/env python3
"""Tests the dashboard of a running pool in a headless Chromium. tests/dashboard.sh starts the pool, and this.

    check.py URL --account NAME --worker NAME [--token TOKEN] [--screenshots DIR]

The pool must have miners, blocks of its own that keep coming, and the worker of that account; with --token the
admin's part is tried too. Needs Debian's chromium, chromium-driver, python3-selenium and python3-pip.
"""
import argparse
import os
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import zipfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browser import Browser, Failed, check
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

# Has axe-core 4.12.1 in it, a single file.
AXE = "axe_playwright_python-0.1.8-py3-none-any.whl"
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "aleo-pool")

LATEST_BLOCK = """
    const rows = [...document.querySelectorAll("[data-key^=block-]")];
    return Math.max(0, ...rows.map((row) => Number(row.dataset.key.slice(6))));"""


def axe_source():
    """axe-core, as pip downloads it the first time and compares it with its checksum."""
    kept = os.path.join(CACHE, AXE)
    if not os.path.exists(kept):
        pinned = os.path.join(os.path.dirname(os.path.abspath(__file__)), "requirements.txt")
        pip = [sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "--dest", CACHE, "--requirement", pinned], check=True)
    with zipfile.ZipFile(kept) as files:
        return files.read("axe_playwright_python/axe.min.js").decode()


def wait_for(url):
    """A node takes its time to start."""
    for _ in range(120):
        try:
            with urllib.request.urlopen(url, timeout=20):
                return
        except OSError:
            time.sleep(1)
    sys.exit(f"nothing answers at {url}")


def figures(browser, _):
    """The modules that turn figures into text."""
    browser.open("#/")
    wrong = browser.run_async("""
        const { si, aleo, percent, span, whole, short } = await import("./dashboard/format.js");
        const { niceTop } = await import("./dashboard/charts.js");
        const cases = [
            [si(0), "0"], [si(7), "7"], [si(0.014), "0.01"], [si(999.6), "1.00 k"], [si(12345), "12.3 k"],
            [si("1234567890123456789012"), "1.23 Z"], [si(NaN), "–"],
            [aleo("0"), "0.000000"], [aleo("1"), "0.000001"], [aleo("1234567890123456"), "1,234,567,890.123456"],
            [aleo("340282366920938463463374607431768211455"), "340,282,366,920,938,463,463,374,607,431,768.211455"],
            [percent(0.1234), "12.3 %"], [percent(0.05), "5.00 %"], [percent(null), "–"],
            [span(59), "59 s"], [span(3600), "1 h"], [span(90061), "1 d 1 h"], [whole("9007199254740993"), "9,007,199,254,740,993"],
            [short("aleo1abcdefghijklmnopqrstuvwxyz", 6, 3), "aleo1a…xyz"],
            [niceTop(0), 1], [niceTop(3), 4], [niceTop(41), 50], [niceTop(1000), 1000],
        ];
        return cases.filter(([is, wanted]) => String(is).replaceAll("\\u00a0", " ") !== String(wanted)).map(String);""")
    check(not wrong, f"figures, as they are and as they should be: {wrong}")


def elements(browser, _):
    """The module that makes and patches elements."""
    browser.open("#/")
    wrong = browser.run_async("""
        const { h, patch } = await import("./dashboard/dom.js");
        const wrong = [];
        const box = document.createElement("div");
        const bad = "<img src=x onerror=alert(1)>";
        patch(box, h("p", { title: bad, "data-key": "a" }, bad), h("input", { "data-key": "b" }), h("p", { "data-key": "c" }, "c"));
        if (box.querySelector("img") || box.firstChild.textContent !== bad) wrong.push("markup");
        const input = box.querySelector("input");
        input.value = "typed";
        patch(box, h("p", { "data-key": "c" }, "d"), h("input", { "data-key": "b" }), h("p", { "data-key": "n" }, "n"));
        if (box.querySelector("input") !== input || input.value !== "typed") wrong.push("what is kept");
        if (box.textContent !== "dn" || box.children.length !== 3) wrong.push(`order: ${box.textContent}`);
        const chart = h("figure");
        patch(box, "x", chart);
        patch(box, h("b", null, "y"), "z", chart);
        if (box.lastChild !== chart || box.textContent !== "yz") wrong.push("an element of one's own");
        return wrong;""")
    check(not wrong, f"elements: {wrong}")


def pool_page(browser, _):
    """The pool's page shows the running pool."""
    browser.open("#/")
    browser.wait("a rate, a block, charts, the budget", """
        const text = document.querySelector("main").innerText;
        return document.querySelectorAll(".chart-line, .chart-dot").length > 0
            && document.querySelectorAll(".chart-bar").length > 0
            && document.querySelectorAll("[data-key^=block-]").length > 0
            && document.querySelectorAll("[data-key^=solution-]").length > 0
            && /Landed/.test(text) && /epoch's end/.test(text) && /Effort/.test(text);""", patience=240)
    tile = browser.run("return document.querySelector('.tile dd').innerText")
    check(tile.split()[0] not in ("0", "–"), f"the hash rate is {tile}")
    dump = browser.wait("a dump to download", "return document.querySelector('a[download]')?.href")
    with urllib.request.urlopen(dump, timeout=20) as response:
        check(b'"schema_version"' in response.read(), f"{dump} is not a share dump")


def new_block(browser, _):
    """A block appears without a reload."""
    browser.open("#/")
    browser.wait("events come", "return document.getElementById('live').dataset.state === 'live'")
    browser.run("window.marked = true")
    before = browser.run(LATEST_BLOCK)
    browser.wait(f"a block after {before}", f"return (() => {{ {LATEST_BLOCK} }})() > arguments[0]", before, patience=120)
    check(browser.run("return window.marked"), "the page was loaded again")


def fallback(browser, _):
    """Without events the page polls."""
    browser.check_clean()
    browser.cdp("Network.enable")
    browser.cdp("Network.setBlockedURLs", urls=["*/api/v1/events*"])
    try:
        browser.open("#/")
        browser.wait("the page says that it polls", "return document.getElementById('live').dataset.state === 'polling'")
        before = browser.run(LATEST_BLOCK)
        browser.wait(f"a block after {before}", f"return (() => {{ {LATEST_BLOCK} }})() > arguments[0]", before, patience=120)
    finally:
        browser.cdp("Network.setBlockedURLs", urls=[])
    browser.wait("events come again", "return document.getElementById('live').dataset.state === 'live'")
    browser.check_clean(expected=["api/v1/events"])


def miner_page(browser, arguments):
    """A miner's page; the worker's name stays text."""
    browser.open("#/miner")
    browser.wait("the account is listed", "return document.querySelector(`[data-key=\"account-${arguments[0]}\"] a`)", arguments.account).click()
    browser.wait("the worker is listed", """
        return [...document.querySelectorAll("[data-key^=worker-] th")].some((cell) => cell.innerText.includes(arguments[0]));""", arguments.worker)
    check(not browser.run("return document.querySelector('main').querySelectorAll('img, script, iframe').length"), "a name became markup")
    # Requested by that name, and linked by it.
    browser.open("#/miner/" + urllib.parse.quote(arguments.worker, safe=""))
    check(arguments.worker in browser.text(), "an unknown account is not named")
    check(not browser.run("return document.querySelector('main').querySelectorAll('img, script, iframe').length"), "a name became markup")
    browser.check_clean(expected=["status of 404"])
    # Rewards and what proves them.
    browser.open("#/miner/" + urllib.parse.quote(arguments.account, safe=""))
    browser.wait("a reward with its dump", "return document.querySelector('[data-key^=reward-] a[download]')", patience=240)
    check("verify_dump.py" in browser.text(), "the page does not say how to verify a dump")


def operator_page(browser, _):
    """The operator's page shows the health of the parts in sentences."""
    browser.open("#/operator")
    # A node on a busy machine may lag behind for a moment.
    parts = browser.wait("the node follows the network", """
        const parts = [...document.querySelectorAll('.health li')].map((part) => part.innerText);
        return parts.some((part) => /follows.* at height/.test(part)) && parts;""")
    check(len(parts) >= 6, f"the parts say {parts}")
    # The simulated chain has no release.
    for wanted in ("Sync and peers", "Release", "Queues", "Sinks", "Bans"):
        check(wanted in browser.text(), f"there is no '{wanted}'")


def admin(browser, arguments):
    """The admin's token opens sessions and bans, and is not stored anywhere."""
    browser.open("#/operator")
    token = lambda: browser.run("return document.querySelector('input[name=token]')")
    token().send_keys("wrong" + Keys.ENTER)
    browser.wait("a wrong token is refused", "return document.querySelector('.notice.red')")
    # Without a token in the configuration there is no admin.
    browser.check_clean(expected=["status of 401", "status of 403"])
    if arguments.token is None:
        return
    token().send_keys(arguments.token + Keys.ENTER)
    browser.wait("sessions are listed", "return document.querySelector('[data-key^=session-]')")
    browser.run("return document.querySelector('input[name=network]')").send_keys("192.0.2.0/24" + Keys.ENTER)
    browser.wait("the ban is listed", "return document.querySelector('[data-key=\"ban-192.0.2.0/24\"] button')").click()
    browser.wait("the ban is lifted", "return !document.querySelector('[data-key=\"ban-192.0.2.0/24\"]')")
    kept = browser.run("return JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
    check(arguments.token not in kept, "the token is kept")
    browser.open("#/operator")
    check(token(), "the token survived a reload")


def pages(arguments):
    return {"pool": "#/", "miners": "#/miner", "miner": "#/miner/" + urllib.parse.quote(arguments.account, safe=""), "operator": "#/operator"}


def narrow(browser, arguments):
    """Nothing is wider than a phone."""
    for name, page in pages(arguments).items():
        browser.open(page, width=360)
        width = browser.run("return document.documentElement.scrollWidth")
        check(width <= 360, f"{name} is {width} pixels wide at 360")


def keyboard(browser, arguments):
    """Everything works by keyboard, and the focus is visible."""
    for page in pages(arguments).values():
        browser.open(page)
        press(browser, Keys.TAB)
        check(browser.run("return document.activeElement.id") == "skip", "the first stop is not the skip link")
        press(browser, Keys.ENTER)
        check(browser.run("return document.activeElement.id") == "main", "the skip link does not skip")
        browser.open(page)
        wanted = browser.run("""
            const all = [...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")];
            window.stops = new Set(all.filter((stop) => stop.checkVisibility()));
            return stops.size;""")
        left = None
        # Round and round: a row that data moved behind the focus is reached the next time.
        for _ in range(3 * wanted + 20):
            press(browser, Keys.TAB)
            seen, left = browser.run("""
                const stop = document.activeElement;
                stops.delete(stop);
                const style = getComputedStyle(stop);
                const left = [...stops].filter((stop) => stop.isConnected).map((stop) => stop.outerHTML.slice(0, 120));
                return [stop === document.body || style.outlineStyle !== "none" || stop.tagName, left];""")
            check(seen is True, f"the focus on {seen} is not visible")
            if not left:
                break
        check(not left, f"not reached: {left}")
    browser.open("#/")
    browser.run("document.querySelector('nav a[data-page=operator]').focus()")
    press(browser, Keys.ENTER)
    announced = "document.activeElement.tagName === 'H1' && document.activeElement.innerText === 'Operator'"
    browser.wait("the new page is announced", "return " + announced)
    browser.wait("it is there", "return document.querySelector('[data-key=health]') !== null")
    check(browser.run("return " + announced), "the focus was lost when the data came")
    browser.run("document.getElementById('theme').focus()")
    for theme in ("light", "dark", "auto"):
        press(browser, Keys.SPACE)
        check(browser.run("return document.documentElement.dataset.theme") == theme, f"the theme is not {theme}")


def press(browser, key):
    # To whatever has the focus, as a keyboard does; the element itself may be replaced meanwhile.
    ActionChains(browser.driver).send_keys(key).perform()


def accessible(browser, arguments):
    """axe finds nothing serious, in light and dark, wide and narrow."""
    axe = axe_source()
    for name, page in pages(arguments).items():
        for theme, width in (("light", 1200), ("dark", 1200), ("light", 360), ("dark", 360)):
            browser.open(page, width, theme)
            browser.run("for (const details of document.querySelectorAll('details')) details.open = true")
            browser.run(axe)
            found = browser.run_async("return (await axe.run(document, { resultTypes: ['violations'] })).violations")
            serious = [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in ("serious", "critical")]
            check(not serious, f"{name}, {theme}, {width}: {serious}")


def screenshots(browser, arguments):
    if arguments.screenshots is None:
        return
    os.makedirs(arguments.screenshots, exist_ok=True)
    for name, page in pages(arguments).items():
        for theme in ("light", "dark"):
            for width in (1200, 360):
                browser.open(page, width, theme)
                browser.screenshot(os.path.join(arguments.screenshots, f"{name}-{theme}-{width}.png"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="where the dashboard is, as in http://127.0.0.1:3335/")
    parser.add_argument("--account", required=True, help="an account that mines")
    parser.add_argument("--worker", required=True, help="a worker of it")
    parser.add_argument("--token", help="the admin's token")
    parser.add_argument("--screenshots", metavar="DIR", help="take a picture of every page, light and dark, wide and narrow")
    arguments = parser.parse_args()
    wait_for(arguments.url)
    browser = Browser(arguments.url)
    failed = 0
    try:
        for part in (figures, elements, pool_page, new_block, fallback, miner_page, operator_page, admin, narrow, keyboard, accessible, screenshots):
            try:
                part(browser, arguments)
                browser.check_clean()
                print(f"ok      {part.__name__}", flush=True)
            except Failed as reason:
                failed += 1
                print(f"FAILED  {part.__name__}: {reason}", flush=True)
        print(f"        {browser.asked} requests, all of them to {arguments.url}")
    finally:
        browser.close()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
