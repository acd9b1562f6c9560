#!/usr/bin/env python3
"""Has a real Prometheus scrape a running pool, as ops/prometheus sets it up.

    prometheus.py URL [--node]

The exposition must be one that promtool takes, every alert rule must evaluate, and every figure that the rules and the
Grafana board ask for must be there. The pool must have a block of its own and a limit of solutions, without which
some figures are left out. With --node it is inside a node, whose figures must be served with the pool's. Needs Debian's
prometheus and python3-yaml.
"""
import argparse
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

OPS = Path(__file__).resolve().parent.parent / "ops"
RULES = OPS / "prometheus/aleo-pool.rules.yml"
PATIENCE = 120
# Upstream decides the names of its figures.
UPSTREAM = ("snarkos_", "snarkvm_")
# The node's height and its peers.
OF_THE_NODE = ("snarkos_bft_height_total", "snarkos_router_connected_total")


def fail(text):
    sys.exit(f"prometheus: {text}")


def fetch(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


def check_exposition(url):
    """promtool parses it, and finds names, types and help texts in order."""
    read = subprocess.run(["promtool", "check", "metrics"], input=fetch(url + "metrics"), capture_output=True)
    said = (read.stdout + read.stderr).decode().splitlines()
    ours = [line for line in said if not line.startswith(UPSTREAM)]
    if ours or read.returncode not in (0, 3):
        fail("promtool rejects the metrics:\n" + "\n".join(ours or said))


def asked_for():
    """The figures of the board and the alerts."""
    rules = yaml.safe_load(RULES.read_text())
    board = json.loads((OPS / "grafana/aleo-pool.json").read_text())
    expressions = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    expressions += [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    expressions += [note["expr"] for note in board["annotations"]["list"]]
    names = set(re.findall(r"\b(?:pool|snarkos|snarkvm)_\w+", "\n".join(expressions)))
    if len(names) < 30:
        fail(f"the rules and the board use only {names}")
    return names


class Prometheus:
    """A Prometheus of our own."""

    def __init__(self, folder, target):
        # The shipped file, with another target and shorter intervals.
        config = (OPS / "prometheus/prometheus.yml").read_text()
        (folder / RULES.name).write_text(RULES.read_text())
        config = config.replace("127.0.0.1:3335", target).replace("15s", "1s")
        (folder / "prometheus.yml").write_text(config)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = "127.0.0.1:%d" % free.getsockname()[1]
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address={self.address}"],
            stdout=self.log, stderr=self.log)

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        return json.loads(fetch(f"http://{self.address}/api/v1/{path}?{query}"))["data"]

    def value(self, expression):
        """The highest of the expression's values; `None` without any."""
        found = self.ask("query", query=expression)["result"]
        return max((float(one["value"][1]) for one in found), default=None)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def wait(what, look):
    """Until `look` finds nothing that is missing."""
    missing = "Prometheus"
    for _ in range(PATIENCE):
        try:
            missing = look()
        except (OSError, urllib.error.URLError):
            pass
        if not missing:
            print(f"ok      {what}", flush=True)
            return
        time.sleep(1)
    fail(f"{what}: not after {PATIENCE} s: {missing}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("url", help="where the API is, as in http://127.0.0.1:3335/")
    parser.add_argument("--node", action="store_true", help="the pool is inside a node")
    arguments = parser.parse_args()
    url = arguments.url.rstrip("/") + "/"

    check_exposition(url)
    print("ok      promtool reads the metrics", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        prometheus = Prometheus(Path(folder), urllib.parse.urlsplit(url).netloc)
        try:
            look(prometheus, arguments.node)
        finally:
            prometheus.stop()


def look(prometheus, is_node):
    def scraped():
        targets = prometheus.ask("targets")["activeTargets"]
        return [target["lastError"] or "not yet" for target in targets if target["health"] != "up"] or not targets

    def figures():
        there = set(prometheus.ask("label/__name__/values"))
        return sorted(asked_for() - there)

    def rules():
        groups = prometheus.ask("rules")["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        return [f"{rule['name']}: {rule['health']} {rule.get('lastError', '')}"
                for rule in found if rule["health"] != "ok"] or not found

    wait("a real Prometheus scrapes the pool", scraped)
    wait("shares are counted", lambda: not prometheus.value('pool_shares_total{verdict="accepted"} > 0'))
    wait("every figure of the rules and the board is there", figures)
    wait("every rule is evaluated", rules)
    if is_node:
        for name in OF_THE_NODE:
            wait(f"the node's {name} is served with them", lambda: not prometheus.value(f"{name} > 0"))


main()
