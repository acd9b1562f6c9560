"""What schemathesis has to know of the pool beyond its document. tests/contract.sh names this file and the API.

Generated names and heights are nearly never known to a pool, and the answer to them is a 404. So most requests that are
right get a name, a height or a cursor that there is. Orders that would end the run are not given.
"""
import json
import os
import random
import urllib.request

import schemathesis

API = os.environ["POOL_API"]
# Of live events, which do not end by themselves.
FEW = 3


def ask(path):
    with urllib.request.urlopen(API + path, timeout=20) as answer:
        return json.load(answer)


def page(path):
    return ask(f"{path}?limit=1")


KNOWN = {
    "height": [page("/api/v1/blocks")["items"][0]["height"]],
    "account": [account["account"] for account in ask("/api/v1/accounts")["items"]],
}


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.operation.path == "/api/v1/events":
        asked = str((case.query or {}).get("events", ""))
        if not asked or asked.isdecimal() and int(asked) > FEW:
            case.query = {**(case.query or {}), "events": FEW}
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for name, values in KNOWN.items():
        if name in (case.path_parameters or {}) and random.random() < 0.8:
            case.path_parameters[name] = random.choice(values)
    if "cursor" in (case.query or {}) and random.random() < 0.8:
        path = case.operation.path.format(**case.path_parameters or {})
        try:
            following = page(path)["next"]
        except urllib.error.HTTPError:
            return
        if following is not None:
            case.query["cursor"] = following


@schemathesis.hook
def filter_body(context, body):
    """`drain` ends the pool, `backup` writes to any folder."""
    return not (isinstance(body, dict) and body.get("command") in ("drain", "backup"))
