#!/usr/bin/env python3
"""Check share dumps without trusting the pool: the sums, the split, the digests and the chain they form.

    verify_dump.py FILE... [--node URL]     e.g. --node http://127.0.0.1:3030

Needs Python 3.8 or later and nothing else. With --node it also asks a node of yours whether the blocks, the
solutions and their rewards are real. docs/share-dump.md says what each check proves. Ends with 0 if all is
right, 1 if something is wrong, 2 if it could not be checked.
"""
import argparse, hashlib, http.client, json, re, sys, time, urllib.error, urllib.request


# A node answers ten requests a second and address, unless configured otherwise.
PACE = 0.12
TRIES = 4


class Wrong(Exception):
    """What is wrong with a dump."""


class Unanswered(OSError):
    """A node gave no answer; says which, to what, and why."""


def ask(request, timeout=30):
    """The JSON that a node answers with. Paced, and retried while the node is busy."""
    url = getattr(request, "full_url", request)
    for tries in range(1, TRIES + 1):
        time.sleep(max(0.0, ask.next - time.monotonic()))
        ask.next = time.monotonic() + PACE
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # A node over its limit answers 429, or 500 where an older route translates it.
            if error.code not in (429, 500, 503) or tries == TRIES:
                said = error.read(200).decode(errors="replace").strip()
                raise Unanswered(f"{url} answered {error.code}: {said or error.reason}") from None
            time.sleep(tries * 8 * PACE)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unanswered(f"{url} gave no answer: {error}") from None


ask.next = 0.0


def check(holds, what):
    if not holds:
        raise Wrong(what)


def number(value):
    """A JSON number, or a decimal string for one that may exceed 2^53."""
    if isinstance(value, str) and re.fullmatch(r"0|[1-9][0-9]*", value):
        return int(value)
    check(type(value) is int and value >= 0, f"{value!r} is not a whole number")
    return value


def digest(dump):
    content = {key: value for key, value in dump.items() if key != "digest"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def total(entries, key):
    return sum(number(entry[key]) for entry in entries)


def split(whole, weights):
    """The largest-remainder rule; equal remainders in the order of the accounts' names, bytewise."""
    everything = sum(weights.values())
    names = sorted(weights, key=str.encode)
    parts = {name: whole * weights[name] // everything for name in names}
    left = whole - sum(parts.values())
    for name in sorted(names, key=lambda name: -(whole * weights[name] % everything))[:left]:
        parts[name] += 1
    return parts


def check_sums(dump):
    accounts = dump["accounts"]
    names = [entry["account"].encode() for entry in accounts]
    check(names == sorted(set(names)), "the accounts are not in order, or one is repeated")
    for entry in accounts:
        workers = [worker["worker"].encode() for worker in entry["workers"]]
        check(workers == sorted(set(workers)), f"the workers of {entry['account']!r} are not in order")
        for key in ("shares", "credit"):
            check(total(entry["workers"], key) == number(entry[key]), f"the workers of {entry['account']!r}: {key}")
    check(total(accounts, "shares") == number(dump["total_shares"]), "the accounts' shares")
    check(total(accounts, "credit") == number(dump["total_credit"]), "the accounts' credit")
    finders = [solution["finder"] for solution in dump["solutions"] if solution["finder"] is not None]
    check(all(isinstance(finder["account"], str) for finder in finders), "a finder has no account")
    check(total(dump["solutions"], "reward") == number(dump["total_reward"]), "the solutions' rewards")
    window = dump["window"]
    first, last, count = (number(window[key]) for key in ("first_seq", "last_seq", "count"))
    check(last + 1 - first == count == number(dump["total_shares"]), "the length of the window")
    if "first_credit" in window:
        check(number(window["first_credit"]) <= number(dump["total_credit"]), "the first share counts for more than all")


def check_window(dump):
    window, round_, scheme = dump["window"], dump["round"], dump["scheme"]
    first, last, count = (number(round_[key]) for key in ("first_seq", "last_seq", "count"))
    check(last + 1 - first == count and last == number(window["last_seq"]), "the length of the round")
    if scheme["name"] != "pplns":
        same = all(window[key] == round_[key] for key in ("first_seq", "last_seq", "count"))
        check(same and dump["total_credit"] == round_["credit"], "the window is not the round")
        return
    reach, work = number(scheme["reach_seq"]), number(scheme["window"]) * number(dump["proof_target"])
    credit, start = number(dump["total_credit"]), number(window["first_seq"])
    check(start >= reach and credit <= work, "the window reaches too far")
    check(credit == work or start == reach, "the window is too short")


def check_rewards(dump):
    shared = number(dump["total_reward"]) + number(dump["carried_in"])
    if dump["scheme"]["name"] == "solo":
        claims, unclaimed = {}, 0
        for solution in dump["solutions"]:
            if solution["finder"] is None:
                unclaimed += number(solution["reward"])
            else:
                finder = solution["finder"]["account"]
                claims[finder] = claims.get(finder, 0) + number(solution["reward"])
    else:
        check(dump["scheme"]["name"] in ("prop", "pplns"), f"the scheme {dump['scheme']['name']!r} is unknown")
        claims, unclaimed = {entry["account"]: number(entry["credit"]) for entry in dump["accounts"]}, 0
    rewards, carried = {}, shared
    fees = [0] * len(dump["fees"])
    if sum(claims.values()):
        carried = unclaimed
        fees = [(shared - unclaimed) * number(fee["basis_points"]) // 10_000 for fee in dump["fees"]]
        rewards = split(shared - unclaimed - sum(fees), claims)
        for fee, amount in zip(dump["fees"], fees):
            rewards[fee["account"]] = rewards.get(fee["account"], 0) + amount
    check(total(dump["fees"], "basis_points") <= 10_000, "the fees are more than the whole")
    check([number(fee["amount"]) for fee in dump["fees"]] == fees, "the fees")
    check(number(dump["carried_out"]) == carried, "what is carried on")
    given = {entry["account"]: number(entry["reward"]) for entry in dump["accounts"]}
    for account in given.keys() | rewards.keys():
        mine = f"{given.get(account, 0)} instead of {rewards.get(account, 0)}"
        check(given.get(account, 0) == rewards.get(account, 0), f"the reward of {account!r} is {mine}")


def check_first(dump):
    """A chain that begins here has nothing to carry in."""
    check(dump["previous"] is not None or number(dump["carried_in"]) == 0, "there was nothing to carry in")


def check_link(before, dump):
    """Whether `dump` follows `before`."""
    check(dump["network"] == before["network"], "it is of another network than the dump before")
    check(dump["schema_version"] >= before["schema_version"], "it is of an older schema than the dump before")
    if dump["schema_version"] == 1:
        return
    after = number(before.get("round", before["window"])["last_seq"]) + 1
    check(number(dump["round"]["first_seq"]) == after, f"its round does not begin with share {after}")
    check(dump["previous"] == before.get("digest"), "it does not follow the dump before")
    check(dump["carried_in"] == before.get("carried_out", "0"), "what the dump before carried on is missing")
    if "scheme" in before and before["scheme"]["since_seq"] <= before["round"]["last_seq"]:
        same = terms(before) == terms(dump)
        # A window is shorter once old shares have been retired.
        same = same and before["scheme"].get("reach_seq", 0) <= dump["scheme"].get("reach_seq", 0)
        newer = dump["scheme"]["since_seq"] != before["scheme"]["since_seq"]
        check(same or newer, "its terms differ from those of the dump before, but claim the same start")


def terms(dump):
    scheme = {key: value for key, value in dump["scheme"].items() if key != "reach_seq"}
    return scheme, [(fee["account"], fee["basis_points"]) for fee in dump["fees"]]


def check_block(dump, node):
    """Whether the chain agrees. A node has heights up to its own."""
    url = f"{node.rstrip('/')}/{dump['network']}/block/{number(dump['height'])}"
    block = ask(url)
    check(block["block_hash"] == dump["hash"], f"the chain's block is {block['block_hash']}")
    metadata = block["header"]["metadata"]
    check(metadata["timestamp"] == dump["timestamp"], "the block has another time")
    if dump["schema_version"] > 1:
        check(int(metadata["proof_target"]) == number(dump["proof_target"]), "the block has another proof target")
    landed = ((block["solutions"] or {}).get("solutions") or {}).get("solutions") or []
    pot = sum(int(one["amount"]) for one in block["ratifications"] if one["type"] == "puzzle_reward")
    combined = sum(int(one["target"]) for one in landed)
    real = []
    for one in landed:
        part, target = one["partial_solution"], int(one["target"])
        reward = pot * target // combined
        reward = reward if reward <= 190_258_739 else 0
        real.append((part["solution_id"], part["address"], int(part["counter"]), target, reward))
    ours = {solution["address"] for solution in dump["solutions"]} | {dump["pool_address"]}
    real = [one for one in real if one[1] in ours]
    stated = [
        (one["id"], one["address"], number(one["counter"]), number(one["target"]), number(one["reward"]))
        for one in dump["solutions"]
    ]
    check(stated == real, f"the block pays {real} to this pool")


def verify(dump, before, node):
    version = dump["schema_version"]
    check(version in (1, 2), f"schema version {version!r} is unknown: get a newer verifier")
    if version > 1:
        check(dump["digest"] == digest(dump), "the digest does not match the content")
    check_sums(dump)
    if version > 1:
        check_window(dump)
        check_rewards(dump)
        check_first(dump)
    if before is not None:
        check_link(before, dump)
    if node:
        check_block(dump, node)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--node", metavar="URL", help="a node's REST address")
    arguments = parser.parse_args()
    dumps, status, before = [], 0, None
    for path in arguments.files:
        try:
            with open(path, encoding="utf-8") as file:
                dump = json.load(file)
            dumps.append((number(dump["height"]), path, dump))
        except OSError as error:
            print(f"{path}: cannot be read: {error}")
            status = status or 2
        except (ValueError, KeyError, TypeError, RecursionError, Wrong) as error:
            print(f"{path}: WRONG: it is not a share dump ({error!r})")
            status = 1
    for _, path, dump in sorted(dumps, key=lambda entry: entry[0]):
        try:
            verify(dump, before, arguments.node)
            print(f"{path}: right")
        except (Wrong, KeyError, TypeError, AttributeError, ValueError) as error:
            print(f"{path}: WRONG: {error if isinstance(error, Wrong) else f'it is not a share dump ({error!r})'}")
            status = 1
        except OSError as error:
            print(f"{path}: could not ask the node: {error}")
            status = status or 2
        before = dump
    return status


if __name__ == "__main__":
    sys.exit(main())
