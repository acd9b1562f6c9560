"""Answers of a real node, as tests/e2e/node_rest.rs recorded them: docs/node-rest.md."""
import json, os

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fixtures", "rest")


def answer(name, **values):
    """Status and body of a recorded answer. `values`: what its placeholders are, as block_hash="ab1..."."""
    with open(os.path.join(FOLDER, f"{name}.json"), encoding="utf-8") as file:
        recorded = json.load(file)
    # A refusal is plain text below the first version of the routes.
    body = json.dumps(recorded["body"]) if "body" in recorded else recorded["text"]
    for kind, value in values.items():
        body = body.replace(f"<{kind.replace('_', ' ')}>", value)
    return recorded["status"], body
