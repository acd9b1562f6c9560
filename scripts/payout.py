#!/usr/bin/env python3
"""Pay the miners what the share dumps say, each payment once.

    payout.py init            begin new books
    payout.py import          read new dumps into the accounts, checking sums, digests and chain
    payout.py status          who has how much, which payments are on their way, and the pool's own balance
    payout.py plan [--send]   plan payments for all accounts above their threshold
    payout.py pay [--send]    sign, send and confirm what is planned
    payout.py run [--send]    all of it, for cron
    payout.py cancel          take back the --payment that is planned and not signed: its amount returns

Without --send nothing is planned or paid: it only prints what would be. Needs Python 3.8 or later and nothing else.
docs/operators.md says how to run it. Ends with 0 if all is well, 1 if something needs a look, 2 if the command
line or a file is wrong, 3 if the pool's balance does not cover a plan.

A payment goes planned -> signed -> sent -> confirmed. Its transaction is made and stored before it is sent, and
only that one is ever sent, so whatever is interrupted where, the chain sees one transaction, and takes it once.
"""
import argparse, contextlib, fcntl, glob, json, os, re, shlex, sqlite3, subprocess, sys, tempfile, time
import urllib.request

sys.dont_write_bytecode = True
import verify_dump

NETWORKS = {"mainnet": 0, "testnet": 1, "canary": 2}

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta(name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS dumps(
    height INTEGER PRIMARY KEY, hash TEXT NOT NULL, digest TEXT NOT NULL, last_seq INTEGER NOT NULL,
    carried_out TEXT NOT NULL, imported INTEGER NOT NULL);
-- Money that came to an account (a reward, a payment that failed) or left it (a payment). A balance is a sum.
CREATE TABLE IF NOT EXISTS entries(
    account TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('reward', 'payment', 'return')),
    reference TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (account, kind, reference));
CREATE TABLE IF NOT EXISTS payments(
    key TEXT PRIMARY KEY, account TEXT NOT NULL, address TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
    state TEXT NOT NULL CHECK (state IN ('planned', 'signed', 'sent', 'confirmed', 'failed')),
    transaction_id TEXT UNIQUE, signed TEXT, fee INTEGER, block TEXT, changed INTEGER NOT NULL);
"""


class Trouble(Exception):
    """A problem for the operator; `status` is the exit code."""

    def __init__(self, text, status=1):
        super().__init__(text)
        self.status = status


def credits(amount):
    return f"{amount // 1_000_000}.{amount % 1_000_000:06} credits"


def is_address(text):
    """Whether a text is an Aleo address: bech32m, prefix aleo, 32 bytes."""
    letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    if not isinstance(text, str) or len(text) != 63 or not text.startswith("aleo1"):
        return False
    if any(letter not in letters for letter in text[5:]):
        return False
    values = [ord(letter) >> 5 for letter in "aleo"] + [0] + [ord(letter) & 31 for letter in "aleo"]
    checksum = 1
    for value in values + [letters.index(letter) for letter in text[5:]]:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value
        for bit, constant in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= constant if top >> bit & 1 else 0
    return checksum == 0x2BC830A3


class Addresses:
    """Where accounts are paid: an account that is an address to itself; others as in the operator's file.

    The file is JSON: {"ann": "aleo1...", "bob": {"address": "aleo1...", "threshold": 5000000}}.
    """

    def __init__(self, path, threshold):
        self.entries, self.threshold = {}, threshold
        if path:
            with open(path, encoding="utf-8") as file:
                self.entries = json.load(file)
        if not isinstance(self.entries, dict):
            raise Trouble(f"{path}: it must hold accounts and their addresses, as {{\"ann\": \"aleo1...\"}}", 2)
        for account, entry in self.entries.items():
            if not isinstance(entry, (str, dict)) or not is_address(self.address(account)):
                raise Trouble(f"{path}: the address of '{account}' is not an Aleo address: correct it", 2)
            if type(self.entry(account).get("threshold", 0)) is not int:
                raise Trouble(f"{path}: the threshold of '{account}' is not a whole number: correct it", 2)

    def entry(self, account):
        entry = self.entries.get(account, {})
        return {"address": entry} if isinstance(entry, str) else entry

    def address(self, account):
        return self.entry(account).get("address", account if is_address(account) else None)

    def least(self, account):
        return int(self.entry(account).get("threshold", self.threshold))


class Books:
    """The accounts and payments, in SQLite. Every change is one transaction, on the disk when it is done."""

    def __init__(self, path, new=False):
        # If the books have moved, new ones would pay everybody once more.
        if not new and not os.path.exists(path):
            raise Trouble(f"there are no books {path}: name them with --books, or create new ones with init", 2)
        self.lock = open(f"{path}.lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.lock.close()
            raise Trouble(f"{path} is in use by another run: wait for it") from None
        self.database = sqlite3.connect(path, isolation_level=None)
        self.database.row_factory = sqlite3.Row
        self.database.execute("PRAGMA synchronous = FULL")
        self.database.executescript(SCHEMA)

    @contextlib.contextmanager
    def change(self):
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield self.database
            self.commit()
        except BaseException:
            # Some failures, a full disk among them, have ended it already.
            if self.database.in_transaction:
                self.database.execute("ROLLBACK")
            raise

    def commit(self):
        self.database.execute("COMMIT")

    def close(self):
        self.database.close()
        self.lock.close()

    def rows(self, query, *values):
        return self.database.execute(query, values).fetchall()

    def balances(self):
        rows = self.rows("SELECT account, SUM(amount) AS balance FROM entries GROUP BY account ORDER BY account")
        return {row["account"]: row["balance"] for row in rows}

    def open_payments(self):
        return self.rows("SELECT * FROM payments WHERE state IN ('planned', 'signed', 'sent') ORDER BY rowid")

    def last_dump(self):
        rows = self.rows("SELECT * FROM dumps ORDER BY height DESC LIMIT 1")
        return rows[0] if rows else None

    def meta(self, name):
        rows = self.rows("SELECT value FROM meta WHERE name = ?", name)
        return rows[0]["value"] if rows else None

    def settle_network(self, network):
        """The first value stays."""
        self.database.execute("INSERT OR IGNORE INTO meta VALUES ('network', ?)", (network,))
        if self.meta("network") != network:
            raise Trouble(f"these books are for {self.meta('network')}, not {network}: name that with --network", 2)

    def settle_address(self, address, send):
        """The paying address may change between payments."""
        noted = self.meta("address")
        if noted not in (None, address) and self.open_payments():
            raise Trouble(f"payments from {noted} are on their way: finish them with that --address first", 2)
        if send:
            self.database.execute("INSERT OR REPLACE INTO meta VALUES ('address', ?)", (address,))

    def note_paid(self, paid):
        """What was paid before these books, by account."""
        rows = [(account, "payment", "before these books", -amount) for account, amount in paid.items()]
        with self.change() as database:
            database.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", rows)

    def import_dump(self, dump):
        with self.change() as database:
            database.execute(
                "INSERT INTO dumps VALUES (?, ?, ?, ?, ?, ?)",
                (dump["height"], dump["hash"], dump["digest"], dump["round"]["last_seq"], dump["carried_out"], now()),
            )
            rewards = [(entry["account"], dump["digest"], int(entry["reward"])) for entry in dump["accounts"]]
            database.executemany("INSERT INTO entries VALUES (?, 'reward', ?, ?)", [row for row in rewards if row[2]])

    def plan(self, wanted):
        """Deducts the amounts from the accounts and makes them payments, all or none."""
        with self.change() as database:
            number = database.execute("SELECT COUNT(*) FROM payments").fetchone()[0]
            for number, (account, address, amount) in enumerate(wanted, number + 1):
                key = f"{number:08}-{account}"
                database.execute("INSERT INTO entries VALUES (?, 'payment', ?, ?)", (account, key, -amount))
                database.execute(
                    "INSERT INTO payments(key, account, address, amount, state, changed) VALUES (?, ?, ?, ?, ?, ?)",
                    (key, account, address, amount, "planned", now()),
                )

    def advance(self, payment, state, **columns):
        """To the next state, if its state has not changed; a failed payment returns its amount."""
        names = "".join(f", {name} = ?" for name in columns)
        with self.change() as database:
            changed = database.execute(
                f"UPDATE payments SET state = ?, changed = ?{names} WHERE key = ? AND state = ?",
                (state, now(), *columns.values(), payment["key"], payment["state"]),
            )
            if changed.rowcount != 1:
                raise Trouble(f"payment {payment['key']} is no longer {payment['state']}")
            if state == "failed":
                row = (payment["account"], "return", payment["key"], payment["amount"])
                database.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", row)
        return self.rows("SELECT * FROM payments WHERE key = ?", payment["key"])[0]


def now():
    return int(time.time())


class Node:
    """A node's REST port."""

    def __init__(self, url, network):
        self.url, self.base = url.rstrip("/"), f"{url.rstrip('/')}/{network}"

    def get(self, path):
        return verify_dump.ask(f"{self.base}/{path}")

    def balance(self, address):
        value = self.get(f"program/credits.aleo/mapping/account/{address}")
        return int(value[: -len("u64")]) if value else 0

    def broadcast(self, signed):
        request = urllib.request.Request(
            f"{self.base}/transaction/broadcast", signed.encode(), {"Content-Type": "application/json"}
        )
        verify_dump.ask(request, timeout=60)

    def fate(self, transaction_id):
        """None while no block has it; else ('accepted' or 'rejected' or 'aborted', the block's hash)."""
        block_hash = self.get(f"find/blockHash/{transaction_id}")
        if block_hash is None:
            return None
        if transaction_id in self.get(f"block/{block_hash}")["aborted_transaction_ids"]:
            return "aborted", block_hash
        return self.get(f"transaction/confirmed/{transaction_id}")["status"], block_hash


class Sender:
    """Makes transactions and sends them to the network: two steps, since only a known one may be sent."""

    def __init__(self, options, node):
        self.options, self.node = options, node

    def sign(self, payment):
        """A transaction as JSON text, which has not been sent. May be called again if its result was lost."""
        if self.options.sign_command:
            command = shlex.split(self.options.sign_command)
            return run(command + [payment["address"], str(payment["amount"]), payment["key"]])
        if not self.options.key_file:
            raise Trouble("name the pool address's key with --key-file, or a --sign-command", 2)
        with tempfile.TemporaryDirectory(prefix="payout-") as folder:
            path = os.path.join(folder, "transaction.json")
            run([
                self.options.snarkos, "developer", "--network", str(NETWORKS[self.options.network]), "execute",
                "credits.aleo", "transfer_public", payment["address"], f"{payment['amount']}u64",
                "--private-key-file", self.options.key_file, "--endpoint", self.options.node,
                "--store", path, "--store-format", "string",
            ])
            with open(path, encoding="utf-8") as file:
                return file.read()

    def send(self, signed):
        """Offers it to the network; the same one may be offered again and again."""
        if self.options.send_command:
            run(shlex.split(self.options.send_command), signed)
        else:
            self.node.broadcast(signed)


def run(command, text=""):
    try:
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except OSError as error:
        raise Trouble(f"'{command[0]}' did not run: {error}") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise Trouble(f"'{command[0]}' failed: {''.join(said)}")
    return done.stdout


def check_signed(signed, payment, most_fee, payer):
    """The id and the fee of a transaction that does what the payment says and nothing else."""
    try:
        transaction = json.loads(signed)
        transitions = transaction["execution"]["transitions"]
        call = transitions[0]
        given = (len(transitions), call["program"], call["function"], [one["value"] for one in call["inputs"]])
        fee = sum(int(one["value"][: -len("u64")]) for one in transaction["fee"]["transition"]["inputs"][:2])
        transaction_id = transaction["id"]
        # What the program does with it on the chain: from, to, how much.
        future = re.search(r"arguments: *\[([^\]]*)\]", call["outputs"][0]["value"])[1]
        signer = future.split(",")[0].strip()
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Trouble(f"payment {payment['key']}: the signed transaction is not a transfer ({error!r})") from None
    wanted = (1, "credits.aleo", "transfer_public", [payment["address"], f"{payment['amount']}u64"])
    if given != wanted:
        raise Trouble(f"payment {payment['key']}: the signed transfer is not the wanted one")
    if payer and signer != payer:
        raise Trouble(f"payment {payment['key']}: the key is of {signer}, not of {payer}")
    if fee > most_fee:
        raise Trouble(f"payment {payment['key']}: the fee of {fee} microcredits is more than --fee allows")
    return transaction_id, fee


def import_dumps(books, options):
    before, count = books.last_dump(), 0
    known = {row["hash"] for row in books.rows("SELECT hash FROM dumps")}
    paths = []
    for path in glob.glob(os.path.join(glob.escape(options.dumps), "*.json")):
        height, _, block_hash = os.path.basename(path)[: -len(".json")].partition("-")
        if height.isdigit() and block_hash not in known:
            paths.append((int(height), path))
    if before is not None:
        before = {
            "schema_version": 2, "network": options.network, "digest": before["digest"], "window": {},
            "carried_out": before["carried_out"], "round": {"last_seq": before["last_seq"]}, "height": before["height"],
        }
    for height, path in sorted(paths):
        try:
            with open(path, encoding="utf-8") as file:
                dump = json.load(file)
            if dump["schema_version"] == 1 and before is None:
                continue
            verify_dump.verify(dump, before, options.node)
            verify_dump.check(dump["network"] == options.network, f"it is of {dump['network']}")
            verify_dump.check(before or dump["previous"] is None, "the dumps before it are missing")
        except (verify_dump.Wrong, KeyError, TypeError, AttributeError, ValueError) as error:
            raise Trouble(f"{path}: {error}: stopped importing here") from None
        except OSError as error:
            raise Trouble(f"{path}: {error}: the rest will be imported later") from None
        books.import_dump(dump)
        before, count = dump, count + 1
    print(f"{count} dumps imported, up to block {before['height'] if before else 'none'}")


def outstanding(books, options):
    """The most that open payments may still take from the pool's balance."""
    payments = books.open_payments()
    return sum(payment["amount"] for payment in payments) + options.fee * len(payments)


def plan(books, options, node, addresses):
    wanted, unmapped = [], 0
    for account, balance in books.balances().items():
        if addresses.address(account) is None:
            unmapped += balance
        elif balance >= max(1, addresses.least(account)):
            wanted.append((account, addresses.address(account), balance))
    if unmapped:
        print(f"{credits(unmapped)} are kept for accounts without an address: see status")
    total = sum(amount for _, _, amount in wanted)
    for account, address, amount in wanted:
        print(f"{'plan' if options.send else 'would plan'} {credits(amount)} for {account} to {address}")
    if not wanted:
        print("nobody is above the threshold")
        return
    if node and options.address:
        needed = total + options.fee * len(wanted) + outstanding(books, options)
        balance = node.balance(options.address)
        if needed > balance:
            text = f"the plan needs {credits(needed)} with fees and open payments, {options.address} has"
            raise Trouble(f"{text} {credits(balance)}: nothing was planned", 3)
    elif options.send:
        raise Trouble("name --node and --address: a plan is compared with the pool's balance", 2)
    else:
        print("the pool's balance was not checked: name --node and --address")
    if options.send:
        books.plan(wanted)


def pay(books, options, node):
    sender, troubles = Sender(options, node), []
    if options.send and not node:
        raise Trouble("name --node: payments are confirmed by the chain", 2)
    for payment in books.open_payments():
        if not options.send:
            print(f"would continue with {credits(payment['amount'])} for {payment['account']} ({payment['state']})")
            continue
        try:
            step(books, options, node, sender, payment)
        except (Trouble, OSError, ValueError, KeyError) as error:
            troubles.append(f"payment {payment['key']}: {error}")
    if troubles:
        raise Trouble("\n".join(troubles))


def step(books, options, node, sender, payment):
    """As far as possible now: up to sent, and further if a block has it already."""
    if payment["state"] == "planned":
        signed = sender.sign(payment)
        transaction_id, fee = check_signed(signed, payment, options.fee, options.address)
        payment = books.advance(payment, "signed", transaction_id=transaction_id, signed=signed, fee=fee)
    fate = node.fate(payment["transaction_id"])
    if fate is None:
        # Also when it was sent before: nodes forget.
        sender.send(payment["signed"])
        if payment["state"] == "signed":
            payment = books.advance(payment, "sent")
        print(f"sent {credits(payment['amount'])} for {payment['account']}: {payment['transaction_id']}")
        return
    status, block = fate
    # Both are final: the ledger takes no transaction whose id it has seen.
    state = "confirmed" if status == "accepted" else "failed"
    books.advance(payment, state, block=block)
    print(f"{state} {credits(payment['amount'])} for {payment['account']}: {status} in {block}")
    if state == "failed":
        raise Trouble(f"it was {status}; its amount is back on the account and will be planned again")


def cancel(books, key):
    payments = [payment for payment in books.open_payments() if payment["key"] == key]
    if not payments:
        raise Trouble(f"there is no open payment '{key}': status lists them", 2)
    if payments[0]["state"] != "planned":
        raise Trouble(f"payment {key} is {payments[0]['state']}: the network may have it, so it continues", 2)
    books.advance(payments[0], "failed")
    print(f"cancelled {credits(payments[0]['amount'])} for {payments[0]['account']}")


def begin(path, network, paid):
    """New books, under their name once they hold all earlier payments."""
    if os.path.exists(path):
        raise Trouble(f"{path} exists already: continue with it", 2)
    part = f"{path}.part"
    for left_over in glob.glob(f"{glob.escape(part)}*"):
        os.remove(left_over)
    books = Books(part, new=True)
    try:
        books.settle_network(network)
        books.note_paid(paid)
    finally:
        books.close()
    os.remove(f"{part}.lock")
    os.rename(part, path)
    print(f"{path} created: {credits(sum(paid.values()))} were paid before")


def paid_before(path):
    with open(path, encoding="utf-8") as file:
        paid = json.load(file)
    if not isinstance(paid, dict) or any(type(amount) is not int or amount < 0 for amount in paid.values()):
        raise Trouble(f"{path}: it must hold accounts and microcredits, as {{\"ann\": 5000000}}", 2)
    return paid


def status(books, options, node, addresses):
    for account, balance in books.balances().items():
        place = addresses.address(account)
        note = "no address: name one in --addresses" if place is None else f"least {credits(addresses.least(account))}"
        if balance:
            print(f"{account}: {credits(balance)} ({note})")
    for payment in books.open_payments():
        since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(payment["changed"]))
        print(f"payment {payment['key']}: {credits(payment['amount'])}, {payment['state']} since {since}")
    for row in books.rows("SELECT state, COUNT(*) AS count, SUM(amount) AS sum FROM payments GROUP BY state"):
        print(f"{row['state']}: {row['count']} payment{'s'[:row['count'] != 1]}, {credits(row['sum'])}")
    owed = sum(books.balances().values())
    print(f"owed: {credits(owed)}, and {credits(outstanding(books, options))} on their way with fees")
    if node and options.address:
        print(f"{options.address} has {credits(node.balance(options.address))}")


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["init", "import", "status", "plan", "pay", "run", "cancel"])
    add = parser.add_argument
    add("--payment", metavar="KEY", help="cancel: which, as status shows it")
    add("--paid", metavar="FILE", help="init: JSON, account names to the microcredits they were paid before")
    add("--books", default="payout.sqlite", metavar="FILE", help="the accounts and payments [payout.sqlite]")
    add("--dumps", metavar="DIR", help="the pool's folder of share dumps")
    add("--network", default="mainnet", choices=list(NETWORKS), help="[mainnet]")
    add("--node", metavar="URL", help="a node's REST address, e.g. http://127.0.0.1:3030")
    add("--address", metavar="ALEO1...", help="the pool's address, which pays")
    add("--addresses", metavar="FILE", help="JSON: account names to addresses, and thresholds of their own")
    add("--threshold", type=int, default=1_000_000, metavar="N", help="least payment, microcredits [1000000]")
    add("--fee", type=int, default=100_000, metavar="N", help="most a transaction may cost, microcredits [100000]")
    add("--send", action="store_true", help="do it: without this, only print it")
    add("--key-file", metavar="FILE", help="the pool address's private key, for snarkos")
    add("--snarkos", default="snarkos", metavar="PROGRAM", help="the program that signs [snarkos]")
    add("--sign-command", metavar="COMMAND", help="instead: gets address, amount and key, prints a transaction")
    add("--send-command", metavar="COMMAND", help="instead of the node: gets the transaction on its input")
    return parser.parse_args(arguments)


def work(books, options, addresses):
    books.settle_network(options.network)
    if options.address:
        books.settle_address(options.address, options.send)
    node = Node(options.node, options.network) if options.node else None
    if options.command == "status":
        status(books, options, node, addresses)
    if options.command == "cancel":
        cancel(books, options.payment)
    trouble = None
    if options.command == "run" and options.send:
        # Open payments first, whatever else is wrong: a failed one goes into the plan, a confirmed one leaves
        # the balance.
        try:
            pay(books, options, node)
        except Trouble as error:
            trouble = error
    if options.command in ("import", "run"):
        if not options.dumps:
            raise Trouble("name the folder of the dumps with --dumps", 2)
        try:
            import_dumps(books, options)
        except Trouble as error:
            raise Trouble("\n".join(str(one) for one in (trouble, error) if one), error.status) from None
    if options.command in ("plan", "run"):
        plan(books, options, node, addresses)
    if options.command in ("pay", "run"):
        pay(books, options, node)
    if trouble:
        raise trouble


def main(arguments=None):
    options = parse(arguments)
    try:
        addresses = Addresses(options.addresses, options.threshold)
        if options.address and not is_address(options.address):
            raise Trouble("--address is not an Aleo address: correct it", 2)
        if bool(options.payment) != (options.command == "cancel"):
            raise Trouble("cancel, and no other command, needs --payment", 2)
        paid = paid_before(options.paid) if options.paid else {}
        if paid and options.command != "init":
            raise Trouble("--paid is for init: earlier payments are recorded once", 2)
        if options.command == "init":
            begin(options.books, options.network, paid)
            return 0
        books = Books(options.books)
        try:
            work(books, options, addresses)
        finally:
            books.close()
    except Trouble as error:
        print(f"payout: {error}", file=sys.stderr)
        return error.status
    except verify_dump.Unanswered as error:
        print(f"payout: {error}", file=sys.stderr)
        return 1
    except (OSError, ValueError, sqlite3.Error) as error:
        print(f"payout: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
