"""A headless Chromium, and what it must never do: log errors, contact another host, break its policy."""
import json
import os
import time

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

# How long to wait for anything that the pool shows by itself, in seconds.
PATIENCE = 60


class Failed(Exception):
    """A failed check."""


def check(holds, what):
    if not holds:
        raise Failed(what)


class Browser:
    def __init__(self, base):
        self.base = base
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        arguments = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        # What root may not do.
        arguments += ["--no-sandbox"] if os.getuid() == 0 else []
        for argument in arguments:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_script_timeout(PATIENCE)
        self.cdp("Page.addScriptToEvaluateOnNewDocument", source="""
            window.violations = [];
            document.addEventListener("securitypolicyviolation", (event) =>
                violations.push(`${event.effectiveDirective}: ${event.blockedURI} at ${event.sourceFile}`));""")
        self.asked = 0

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def run_async(self, script, *arguments):
        """Runs the body of an async function, and returns what it returns."""
        answer = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; const given = [...arguments].slice(0, -1);"
            f"(async (...given) => {{ {script} }})(...given)"
            ".then((value) => done({ value }), (error) => done({ error: String(error) }));",
            *arguments)
        check("error" not in answer, answer.get("error"))
        return answer.get("value")

    def open(self, page, width=1200, theme="light"):
        """Loads a page again."""
        self.look(width, theme)
        # The same address with another hash would not load again.
        self.driver.get("about:blank")
        self.driver.get(self.base + page)
        self.wait("the page shows what it read", """
            const main = document.querySelector("main");
            return main.querySelector(".card") && !main.querySelector("[role=alert]");""")

    def look(self, width, theme):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])

    def wait(self, what, script, *arguments, patience=PATIENCE):
        """Waits until the script returns something, and returns it."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            found = self.run(script, *arguments)
            if found:
                return found
            time.sleep(0.2)
        text = self.run("return document.querySelector('main')?.innerText ?? ''")
        raise Failed(f"not within {patience} s: {what}\n--- the page says:\n{text[:2000]}")

    def text(self):
        return self.run("return document.querySelector('main').innerText")

    def screenshot(self, path):
        height = self.run("return document.documentElement.scrollHeight")
        width = self.run("return innerWidth")
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=min(height, 6000), deviceScaleFactor=1, mobile=width < 500)
        time.sleep(0.3)
        self.driver.save_screenshot(path)

    def check_clean(self, expected=()):
        """Nothing on the console except what is `expected`, no violation, and no request to another host."""
        said = [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        wrong = [message for message in said if not any(part in message for part in expected)]
        check(not wrong, f"the console says: {wrong}")
        violations = self.run("return window.violations ?? []")
        check(not violations, f"the policy was broken: {violations}")
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.requestWillBeSent":
                continue
            url = message["params"]["request"]["url"]
            self.asked += 1
            check(url.startswith(self.base) or url.startswith(("about:", "data:")), f"a request to {url}")

    def close(self):
        self.driver.quit()
