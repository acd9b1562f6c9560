#!/usr/bin/env python3
"""The payout script against a chain in a node's recorded words and a signer that is made here: nobody is ever paid
twice, whatever is killed where. Run by scripts/test; needs nothing but Python."""
import contextlib, io, json, os, subprocess, sys, tempfile, unittest, unittest.mock

SCRIPTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scripts")
sys.dont_write_bytecode = True
sys.path.insert(0, SCRIPTS)
import payout, recorded_chain, verify_dump

POOL = "aleo1q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zs2pg9q5zsghz894"
MINER = "aleo1rhgdu77hgyqd3xjj8ucu3jj9r2krwz6mnzyd80gncr5fxcwlh5rsvzp9px"
FEE = recorded_chain.FEE
verify_dump.PACE = 0.001

# Signs like snarkOS: a different id each time, even for the same payment.
SIGNER = """
import json, secrets, sys
address, amount = sys.argv[1], sys.argv[2]
public = lambda value: {"type": "public", "id": "1field", "value": value}
future = "{program_id: credits.aleo, function_name: transfer_public, arguments: [PAYER, %s, %su64]}" % (address, amount)
call = {"program": "credits.aleo", "function": "transfer_public", "inputs": [public(address), public(amount + "u64")],
    "outputs": [{"type": "future", "id": "1field", "value": future}]}
fee = {"transition": {"inputs": [public("1500u64"), public("500u64"), public("9field")]}}
print(json.dumps({"type": "execute", "id": "at1" + secrets.token_hex(16), "execution": {"transitions": [call]}, "fee": fee}))
""".replace("PAYER", POOL)


def dump(before, rewards, height, carried_out=0):
    """A share dump by PROP in which each account has the credit of its reward."""
    last = before["round"]["last_seq"] if before else 0
    accounts = [
        {"account": name, "shares": 1, "credit": str(reward), "reward": str(reward),
         "workers": [{"worker": "", "shares": 1, "credit": str(reward)}]}
        for name, reward in sorted(rewards.items())
    ]
    count, total = len(accounts), sum(rewards.values())
    span = {"first_seq": last + 1, "last_seq": last + count, "count": count}
    carried_in = int(before["carried_out"]) if before else 0
    value = {
        "schema_version": 2, "network": "testnet", "height": height, "hash": f"ab1{height}", "timestamp": 1,
        "pool_address": POOL, "total_reward": str(total + carried_out - carried_in),
        "solutions": [{"reward": str(total + carried_out - carried_in), "finder": None, "address": POOL}],
        "proof_target": "5", "scheme": {"name": "prop", "since_seq": 1}, "fees": [],
        "carried_in": str(carried_in), "carried_out": str(carried_out), "round": {**span, "credit": str(total)},
        "window": {**span, "first_credit": str(min(1, total))}, "total_shares": count, "total_credit": str(total),
        "accounts": accounts, "previous": before["digest"] if before else None,
    }
    return {**value, "digest": verify_dump.digest(value)}


class Case(unittest.TestCase):
    def setUp(self):
        # In memory where possible: the books sync every change.
        folder = tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.addCleanup(folder.cleanup)
        self.folder, self.dumps = folder.name, os.path.join(folder.name, "shares")
        os.mkdir(self.dumps)
        self.chain = recorded_chain.Chain()
        self.addCleanup(self.chain.server.server_close)
        self.addCleanup(self.chain.server.shutdown)
        self.path("signer.py", SIGNER)
        self.path("addresses.json", json.dumps({"ann": MINER, "bob": {"address": POOL, "threshold": 50}}))
        self.last = None
        self.assertEqual(self.run_it("init")[0], 0)

    def path(self, name, text=None):
        path = os.path.join(self.folder, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def land(self, rewards, height, **more):
        self.last = dump(self.last, rewards, height, **more)
        self.path(f"shares/{height}-ab1{height}.json", json.dumps(self.last))
        self.chain.balance += int(self.last["total_reward"])

    def arguments(self, command, *more, node=True):
        return [
            command, "--books", self.path("books"), "--dumps", self.dumps, "--network", "testnet",
            *(["--node", self.chain.url] if node else []), "--address", POOL, "--threshold", "1000", "--fee", str(FEE),
            "--addresses", self.path("addresses.json"),
            "--sign-command", f"{sys.executable} {self.path('signer.py')}", *more,
        ]

    def run_it(self, command, *more, **how):
        output = io.StringIO()
        # The blocks of these dumps are in no chain.
        real, verify_dump.check_block = verify_dump.check_block, lambda *_: None
        try:
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
                status = payout.main(self.arguments(command, *more, **how))
        finally:
            verify_dump.check_block = real
        return status, output.getvalue()

    def books(self):
        books = payout.Books(self.path("books"))
        states = {row["key"]: row["state"] for row in books.rows("SELECT key, state FROM payments")}
        balances = books.balances()
        books.close()
        return states, balances


class Paying(Case):
    def test_from_dumps_to_confirmed_payments_with_dust_kept(self):
        self.land({"ann": 1_500, MINER: 999, "bob": 60}, 10)
        self.chain.balance += 100 * FEE
        self.assertEqual(self.run_it("run", "--send")[0], 0)
        self.chain.produce()
        self.land({MINER: 1, "ann": 999, "bob": 49}, 11)
        self.assertEqual(self.run_it("run", "--send")[0], 0)
        self.chain.produce()
        self.assertEqual(self.run_it("run", "--send")[0], 0)
        self.assertEqual(sorted(self.chain.paid), sorted([(MINER, 1_500), (POOL, 60), (MINER, 1_000)]))
        states, balances = self.books()
        self.assertEqual(set(states.values()), {"confirmed"})
        self.assertEqual(balances, {"ann": 999, MINER: 0, "bob": 49})

    def test_a_dry_run_changes_no_balance_and_sends_nothing(self):
        self.land({"ann": 5_000}, 10)
        self.chain.balance += FEE
        status, said = self.run_it("run")
        self.assertEqual(status, 0, said)
        self.assertIn("would plan 0.005000 credits for ann", said)
        self.assertEqual((self.books(), self.chain.mempool), (({}, {"ann": 5_000}), {}))
        status, said = self.run_it("run", node=False)
        self.assertEqual(status, 0, said)
        self.assertIn("was not checked", said)
        self.assertEqual(self.run_it("plan", "--send", node=False)[0], 2)

    def test_a_plan_the_balance_does_not_cover_is_refused_whole(self):
        self.land({"ann": 5_000, MINER: 6_000}, 10)
        self.chain.balance = 11_000 + 2 * FEE - 1
        status, said = self.run_it("run", "--send")
        self.assertEqual((status, self.books()[0]), (3, {}), said)
        self.chain.balance += 1
        self.assertEqual(self.run_it("plan", "--send")[0], 0)
        self.assertEqual(len(self.books()[0]), 2)
        # Planned payments count, whether or not they have left the balance.
        self.land({"ann": 5_000}, 11)
        self.chain.balance -= 1
        self.assertEqual(self.run_it("run", "--send")[0], 3)
        self.assertEqual(len(self.books()[0]), 2)

    def test_accounts_without_an_address_are_kept_and_listed(self):
        self.land({"nobody": 5_000, "ann": 10}, 10)
        status, said = self.run_it("run", "--send")
        self.assertEqual(status, 0, said)
        self.assertIn("0.005000 credits are kept for accounts without an address", said)
        self.assertIn("nobody: 0.005000 credits (no address", self.run_it("status")[1])
        self.path("addresses.json", json.dumps({"nobody": MINER}))
        self.chain.balance += 10 * FEE
        self.assertEqual(self.run_it("run", "--send")[0], 0)
        self.chain.produce()
        self.assertEqual(self.chain.paid, [(MINER, 5_000)])

    def test_what_the_chain_refuses_comes_back_and_is_paid_by_another_payment(self):
        for fate in ("rejected", "aborted"):
            self.land({"ann": 5_000}, 10 + len(self.chain.settled))
            self.chain.balance += 10 * FEE
            self.assertEqual(self.run_it("run", "--send")[0], 0)
            self.chain.produce(fate)
            status, said = self.run_it("run", "--send")
            self.assertEqual(status, 1, said)
            self.assertIn(f"it was {fate}", said)
            self.chain.produce()
            status, said = self.run_it("run", "--send")
            self.assertEqual(status, 0, said)
        self.assertEqual(self.chain.paid, [(MINER, 5_000)] * 2)
        self.assertEqual(sorted(self.books()[0].values()), ["confirmed", "confirmed", "failed", "failed"])

    def test_every_fate_is_read_from_a_real_nodes_words(self):
        self.chain.settled = {"at1one": "accepted", "at1two": "rejected", "at1three": "aborted"}
        node = payout.Node(self.chain.url, "testnet")
        for name, fate in self.chain.settled.items():
            self.assertEqual(node.fate(name), (fate, f"ab1{fate}-{name}"))
        self.assertIsNone(node.fate("at1unknown"))
        self.assertEqual(node.balance(POOL), 0)
        self.chain.balance = 12
        self.assertEqual(node.balance(POOL), 12)

    def test_a_node_that_forgets_or_is_deaf_is_told_again(self):
        self.land({"ann": 5_000}, 10)
        self.chain.balance += 10 * FEE
        self.chain.deaf = True
        self.assertEqual(self.run_it("run", "--send")[0], 1)
        self.assertEqual(list(self.books()[0].values()), ["signed"])
        self.chain.deaf = False
        self.assertEqual(self.run_it("run", "--send")[0], 0)
        first = set(self.chain.mempool)
        self.chain.mempool = {}
        self.assertEqual(self.run_it("pay", "--send")[0], 0)
        self.assertEqual(set(self.chain.mempool), first, "the same transaction")

    def test_what_is_signed_must_be_what_was_planned(self):
        lies = [
            SIGNER.replace("public(address)", f"public('{POOL}')"),
            SIGNER.replace('amount + "u64"', '"1" + amount + "u64"'),
            SIGNER.replace("transfer_public", "transfer_public_to_private"),
            SIGNER.replace("[call]", "[call, call]"),
            SIGNER.replace("500u64", "501u64"),
            SIGNER.replace(f"arguments: [{POOL}", f"arguments: [{MINER}"),
            "print('nonsense')",
            "raise SystemExit('no key')",
        ]
        self.land({"ann": 5_000}, 10)
        self.chain.balance += 10 * FEE
        for lie in lies:
            self.assertTrue(lie != SIGNER)
            self.path("signer.py", lie)
            self.assertEqual(self.run_it("run", "--send")[0], 1)
            self.assertEqual((list(self.books()[0].values()), self.chain.mempool), (["planned"], {}))

    def test_send_commands_get_the_transaction_on_their_input(self):
        self.land({"ann": 5_000}, 10)
        self.chain.balance += FEE
        target = self.path("sent.json")
        self.assertEqual(self.run_it("run", "--send", "--send-command", f"tee {target}")[0], 0)
        with open(target, encoding="utf-8") as file:
            self.assertTrue(json.load(file)["id"].startswith("at1"))
        self.assertEqual(self.chain.mempool, {})

    def test_snarkos_is_asked_to_store_and_not_to_broadcast(self):
        snarkos = self.path("snarkos", f"""#!{sys.executable}
import subprocess, sys
assert sys.argv[1:5] == ["developer", "--network", "1", "execute"] and "--broadcast" not in sys.argv, sys.argv
assert sys.argv[5:7] == ["credits.aleo", "transfer_public"] and sys.argv[8].endswith("u64")
at = lambda flag: sys.argv[sys.argv.index(flag) + 1]
assert (at("--private-key-file"), at("--store-format")) == ("/pool.key", "string")
signed = subprocess.check_output([sys.executable, {self.path("signer.py")!r}, sys.argv[7], sys.argv[8][:-3]])
open(at("--store"), "wb").write(signed)
""")
        os.chmod(snarkos, 0o700)
        self.land({"ann": 5_000}, 10)
        self.chain.balance += FEE
        more = ["--send", "--sign-command", "", "--key-file", "/pool.key", "--snarkos", snarkos]
        status, said = self.run_it("run", *more)
        self.assertEqual((status, len(self.chain.mempool)), (0, 1), said)


class Operating(Case):
    def test_books_that_are_gone_are_asked_for_and_not_begun_anew(self):
        os.remove(self.path("books"))
        self.land({"ann": 5_000}, 10)
        for command in ("status", "import", "plan", "pay", "run"):
            status, said = self.run_it(command, "--send")
            self.assertEqual(status, 2, said)
            self.assertIn("there are no books", said)
        # Created again on purpose, they know what was paid.
        paid = self.path("paid.json", json.dumps({"ann": 4_000}))
        self.assertEqual(self.run_it("run", "--paid", paid)[0], 2)
        # Died before all was noted: these are not books yet.
        with unittest.mock.patch.object(payout.Books, "note_paid", side_effect=SystemExit):
            self.assertRaises(SystemExit, self.run_it, "init", "--paid", paid)
        self.assertEqual(self.run_it("run", "--send")[0], 2)
        self.assertEqual(self.run_it("init", "--paid", paid)[0], 0)
        self.assertEqual(self.run_it("init")[0], 2)
        self.assertEqual(self.run_it("import")[0], 0)
        self.assertEqual(self.books()[1], {"ann": 1_000})

    def test_the_paying_address_changes_between_payments_only(self):
        self.land({"ann": 5_000}, 10)
        self.chain.balance += 10 * FEE
        self.assertEqual(self.run_it("run", "--send")[0], 0)
        other = ["--address", MINER]
        status, said = self.run_it("run", "--send", *other)
        self.assertEqual(status, 2, said)
        self.assertIn(f"payments from {POOL} are on their way", said)
        self.chain.produce()
        self.assertEqual(self.run_it("run", "--send")[0], 0)
        self.assertEqual(self.run_it("run", *other)[0], 0)

    def test_what_is_planned_can_be_taken_back_and_what_is_signed_not(self):
        self.land({"ann": 5_000, "bob": 60}, 10)
        self.chain.balance += 10 * FEE
        self.assertEqual(self.run_it("import")[0], 0)
        self.assertEqual(self.run_it("plan", "--send")[0], 0)
        ann, bob = sorted(self.books()[0])
        self.assertEqual(self.run_it("cancel", "--payment", ann)[0], 0)
        self.assertEqual(self.books()[1], {"ann": 5_000, "bob": 0})
        self.assertEqual(self.run_it("pay", "--send", "--send-command", "false")[0], 1)
        for key in (ann, bob, "nobody's"):
            self.assertEqual(self.run_it("cancel", "--payment", key)[0], 2)
        self.assertEqual(self.books()[0], {ann: "failed", bob: "signed"})

    def test_what_is_on_its_way_goes_on_though_the_dumps_are_wrong(self):
        self.land({"ann": 5_000}, 10)
        self.chain.balance += 10 * FEE
        self.assertEqual(self.run_it("run", "--send")[0], 0)
        self.chain.produce()
        self.path("shares/11-ab111.json", "[]")
        self.assertEqual(self.run_it("run", "--send")[0], 1)
        self.assertEqual(list(self.books()[0].values()), ["confirmed"])

    def test_a_busy_node_is_asked_again_and_a_broken_one_is_named(self):
        for refusal, status in (("over-the-limit", 500), ("v2-over-the-limit", 429)):
            self.chain.busy, self.chain.refusal = 2, refusal
            self.assertEqual(self.run_it("status")[0], 0)
            self.assertEqual(self.chain.busy, 0)
            self.chain.busy = 100
            code, said = self.run_it("status")
            self.assertEqual(code, 1, said)
            asked = f"{self.chain.url}/testnet/program/credits.aleo/mapping/account/{POOL}"
            self.assertIn(f"{asked} answered {status}: Too Many Requests!", said)


class Importing(Case):
    def test_each_dump_once_and_only_in_the_chain(self):
        self.land({"ann": 10}, 10)
        first = self.last
        self.land({}, 12, carried_out=3)
        self.assertEqual(self.run_it("import")[0], 0)
        self.land({"ann": 30}, 15)
        for _ in range(2):
            self.assertEqual(self.run_it("import")[0], 0)
        self.assertEqual(self.books()[1], {"ann": 40})

        # One that was hidden, one without a predecessor, one that was changed.
        hidden = dump(first, {"ann": 99}, 11)
        after = dump(self.last, {"ann": 40}, 16)
        gap = dump(after, {"ann": 40}, 17)
        lie = json.loads(json.dumps(after))
        lie["accounts"][0]["reward"] = "41"
        for name, wrong in [("11", hidden), ("17", gap), ("16", lie)]:
            path = self.path(f"shares/{name}-ab1{name}.json", json.dumps(wrong))
            status, said = self.run_it("import")
            self.assertEqual(status, 1, said)
            self.assertIn("stopped importing here", said)
            os.remove(path)
        self.assertEqual(self.books()[1], {"ann": 40})

    def test_the_chain_must_be_whole_and_the_books_stay_with_their_network(self):
        self.land({"ann": 10}, 10)
        self.land({"ann": 20}, 11)
        os.remove(self.path("shares/10-ab110.json"))
        self.assertIn("the dumps before it are missing", self.run_it("import")[1])
        status, said = self.run_it("import", "--network", "canary")
        self.assertEqual(status, 2, said)
        self.assertIn("these books are for testnet", said)

    def test_dumps_without_rewards_are_passed_over(self):
        self.path("shares/9-ab19.json", json.dumps({"schema_version": 1}))
        self.land({"ann": 10}, 10)
        self.assertEqual(self.run_it("import")[0], 0)

    def test_a_wrong_address_is_refused_before_anything(self):
        self.assertTrue(payout.is_address(POOL) and payout.is_address(MINER))
        for wrong in ("", "aleo1", POOL[:-1] + "q", POOL.upper(), MINER.replace("aleo1r", "aleo1q")):
            self.assertFalse(payout.is_address(wrong), wrong)
        os.remove(self.path("books"))
        wrong = [{"ann": MINER[:-1] + "q"}, ["ann"], None, {"ann": 5}, {"ann": {"address": MINER, "threshold": None}}]
        for entries in wrong:
            self.path("addresses.json", json.dumps(entries))
            status, said = self.run_it("init")
            self.assertEqual(status, 2, said)
            self.assertIn("addresses.json: ", said)
        self.assertFalse(os.path.exists(self.path("books")))

    def test_two_runs_at_a_time_are_one_too_many(self):
        books = payout.Books(self.path("books"))
        status, said = self.run_it("status")
        self.assertEqual(status, 1, said)
        self.assertIn("in use by another run", said)
        books.close()


class Verifying(Case):
    def judge(self, *dumps, files=()):
        paths = [self.path(f"{index}.json", json.dumps(value)) for index, value in enumerate(dumps)]
        output = io.StringIO()
        with contextlib.redirect_stdout(output), unittest.mock.patch.object(sys, "argv", ["", *paths, *files]):
            return verify_dump.main(), output.getvalue()

    def test_a_chain_that_tells_a_story_is_found_out(self):
        first = dump(None, {"ann": 10}, 10)
        second = dump(first, {"ann": 20}, 11)
        self.assertEqual(self.judge(first, second)[0], 0)

        def signed(value, **more):
            value = {**value, **more}
            return {**value, "digest": verify_dump.digest(value)}

        fresh = dump(None, {"ann": 30}, 12)
        fresh = signed(fresh, round={**fresh["round"], "first_seq": 3, "last_seq": 3},
                      window={**fresh["window"], "first_seq": 3, "last_seq": 3})
        unsplit = {**{key: second[key] for key in ("network", "accounts", "solutions", "window", "total_shares",
                   "total_credit", "total_reward", "height")}, "schema_version": 1}
        given = signed(first, carried_in="1", total_reward="9", solutions=[{**first["solutions"][0], "reward": "9"}])
        other = signed(second, fees=[{"account": "me", "basis_points": 0, "amount": "0"}])
        swollen = signed(first, window={**first["window"], "first_credit": "77777"})
        stories = [
            ((first, unsplit, fresh), "older schema"), ((given,), "there was nothing to carry in"),
            ((first, other), "claim the same start"), ((swollen,), "counts for more than all"),
        ]
        for story, expected in stories:
            status, said = self.judge(*story)
            self.assertEqual(status, 1, said)
            self.assertIn(expected, said)

    def test_a_dump_is_held_against_a_real_nodes_block(self):
        solution = {"id": "<solution id>", "address": "<address>", "counter": "1", "target": "1", "reward": "1"}
        right = {"network": "testnet", "height": 1, "hash": "<block hash>", "timestamp": 1, "schema_version": 2,
                 "proof_target": "1", "pool_address": "<address>", "solutions": [solution]}
        verify_dump.check_block(right, self.chain.url)
        for wrong in ({"hash": "ab1other"}, {"timestamp": 2}, {"proof_target": "2"}, {"solutions": []}):
            with self.assertRaises(verify_dump.Wrong):
                verify_dump.check_block({**right, **wrong}, self.chain.url)
        # A block the node does not have yet is not a lie, and the node says so.
        with self.assertRaisesRegex(verify_dump.Unanswered, "answered 500: .*Missing block hash"):
            verify_dump.check_block({**right, "height": 2}, self.chain.url)

    def test_each_file_is_judged_whatever_the_others_are(self):
        right = dump(None, {"ann": 10}, 10)
        wrong = [self.path("list.json", "[]"), self.path("deep.json", "[" * 100_000), self.path("text.json", "x")]
        status, said = self.judge(right, files=[*wrong, self.path("missing.json")])
        self.assertEqual(status, 1, said)
        self.assertEqual([said.count(word) for word in ("right", "WRONG", "cannot be read")], [1, 3, 1], said)


# A run that dies at the nth call of one of its functions, before or after it did its work.
DYING = """
import os, sys
sys.path.insert(0, sys.argv[1])
import payout, verify_dump
verify_dump.check_block, verify_dump.PACE = lambda *_: None, 0.001
owner, name, when, nth = sys.argv[2:6]
owner, calls = getattr(payout, owner), [0]
real = getattr(owner, name)
def dying(*arguments, **more):
    calls[0] += 1
    if calls[0] == int(nth) and when == "before":
        os._exit(9)
    result = real(*arguments, **more)
    if calls[0] == int(nth):
        os._exit(9)
    return result
setattr(owner, name, dying)
sys.exit(payout.main(sys.argv[6:]))
"""


class Dying(Case):
    def die(self, owner, name, when, nth):
        command = [sys.executable, "-c", DYING, SCRIPTS, owner, name, when, str(nth)]
        done = subprocess.run(command + self.arguments("run", "--send"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.returncode

    def test_killed_at_any_step_everybody_is_paid_once(self):
        """Before and after every signature, every sending, every look at the chain, every change of the books."""
        points = [("Sender", "sign"), ("Sender", "send"), ("Node", "fate"), ("Node", "balance"), ("Books", "commit")]
        height, owed, died = 0, 0, 0
        for owner, name in points:
            for when in ("before", "after"):
                for nth in range(1, 20):
                    height += 1
                    self.land({"ann": 5_000, MINER: 7_000}, height)
                    owed += 12_000
                    self.chain.balance += 10 * FEE
                    code = self.die(owner, name, when, nth)
                    self.assertIn(code, (0, 9))
                    # In between the chain advances, or not.
                    if height % 3 == 0:
                        self.chain.produce()
                    if code == 0:
                        break
                    died += 1
        for _ in range(3):
            status, said = self.run_it("run", "--send")
            self.assertEqual(status, 0, said)
            self.chain.produce()
        self.assertEqual(self.run_it("pay", "--send")[0], 0)
        self.assertGreaterEqual(died, 30)
        states, balances = self.books()
        self.assertEqual(set(states.values()), {"confirmed"})
        self.assertEqual(set(balances.values()), {0})
        self.assertEqual(sum(amount for _, amount in self.chain.paid), owed, "to the microcredit")
        self.assertEqual(len(self.chain.paid), len(states), "one transaction a payment")


if __name__ == "__main__":
    unittest.main()
