#!/usr/bin/env python3
"""What can be said of ops/ without running it. Usage: tests/ops.py FOLDER

Writes the expressions of the Grafana board to FOLDER/board.rules.yml, for promtool to parse.
"""
import json
import re
import sys
from pathlib import Path

import yaml

OPS = Path(__file__).resolve().parent.parent / "ops"


def fail(text):
    sys.exit(f"ops: {text}")


def board_expressions():
    board = json.loads((OPS / "grafana/aleo-pool.json").read_text())
    panels = board["panels"]
    ids = [panel["id"] for panel in panels]
    if len(ids) != len(set(ids)):
        fail("two panels of the board have one id")
    taken = set()
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            fail(f"the panel '{panel['title']}' does not fit the width")
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        if cells & taken:
            fail(f"the panel '{panel['title']}' lies on another")
        taken |= cells
        if panel["type"] != "row" and not panel["targets"]:
            fail(f"the panel '{panel['title']}' shows nothing")
    expressions = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    return expressions + [note["expr"] for note in board["annotations"]["list"]]


def write_rules(path, expressions):
    lines = ["groups:", "  - name: board", "    rules:"]
    for number, expression in enumerate(expressions):
        spelled = expression.replace("$__rate_interval", "5m")
        lines += [f"      - record: board:{number}", f"        expr: {json.dumps(spelled)}"]
    path.write_text("\n".join(lines) + "\n")


def check_rules_are_tested():
    rules = (OPS / "prometheus/aleo-pool.rules.yml").read_text()
    tests = (OPS / "prometheus/aleo-pool.rules.test.yml").read_text()
    for alert in re.findall(r"- alert: (\w+)", rules):
        fires = re.search(rf"alertname: {alert}\n\s+eval_time: \w+\n\s+exp_alerts: \[\{{", tests)
        if not fires:
            fail(f"no test shows that {alert} fires")


def check_containers():
    folder = OPS / "docker"
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    # The operator's own.
    own = {"./pool.toml", "./pool.key"}
    for name, service in services.items():
        if service["network_mode"] != "host":
            fail(f"{name} does not see who connects, or cannot be seen by the others")
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            if source.startswith(".") and source not in own and not (folder / source).exists():
                fail(f"{name} mounts {source}, which is not there")
    dockerfile = (folder / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+)", dockerfile, re.MULTILINE)
    missing = [path for path in copied if not (OPS.parent / path).exists()]
    if missing:
        fail(f"the image copies {missing}, which are not there")
    # What the image and the unit start must be one program with the same folders.
    unit = (OPS / "systemd/aleo-pool.service").read_text()
    for word in ["--noupdater", "--nodisplay", "--client", "--pool-config", "/var/lib/aleo-pool/ledger"]:
        if word not in unit or word not in dockerfile:
            fail(f"{word} is not in both the unit and the image")


def main():
    write_rules(Path(sys.argv[1]) / "board.rules.yml", board_expressions())
    check_rules_are_tested()
    check_containers()


main()
