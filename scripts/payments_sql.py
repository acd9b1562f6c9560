#!/usr/bin/env python3
"""Print the confirmed payments of payout.py as SQL for the tables that the pool's PostgreSQL sink fills.

    payments_sql.py --books books.sqlite | psql --quiet --set ON_ERROR_STOP=1 postgresql://...

Each payment goes to `payments` once, by its transaction, and is taken off the account's row in `miners_balance` in
the same statement: run it as often as you like. Needs Python 3.8 or later and nothing else; it only reads the books.
docs/sinks.md has the tables.
"""
import argparse, pathlib, sqlite3, sys

CONFIRMED = """
SELECT account, address, amount, transaction_id, changed FROM payments WHERE state = 'confirmed' ORDER BY rowid
"""

# A statement with two writes is one transaction. The row may be missing for a moment: the pool may be behind.
PAYMENT = """\
WITH paid AS (
    INSERT INTO payments (wallet_address, amount, timestamp, transaction_hash)
    SELECT ARRAY[{address}], {amount}, TO_TIMESTAMP({changed}) AT TIME ZONE 'UTC', {transaction}
    WHERE NOT EXISTS (SELECT 1 FROM payments WHERE transaction_hash = {transaction})
    RETURNING amount
)
INSERT INTO miners_balance AS old (id, miner_id, wallet, balance)
SELECT {id}, {account}, {account}, -amount FROM paid
ON CONFLICT (id) DO UPDATE SET balance = COALESCE(old.balance, 0) + EXCLUDED.balance;"""


def quoted(text):
    """A text as an SQL literal; PostgreSQL's standard strings have no escape except the doubled quote."""
    return "'" + text.replace("'", "''") + "'"


def statement(account, address, amount, transaction, changed):
    return PAYMENT.format(
        id=quoted(f"{account}_{account}"), account=quoted(account), address=quoted(address), amount=int(amount),
        transaction=quoted(transaction), changed=int(changed))


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--books", default="payout.sqlite", metavar="FILE", help="payout.py's books [payout.sqlite]")
    options = parser.parse_args(arguments)
    try:
        uri = pathlib.Path(options.books).resolve().as_uri() + "?mode=ro"
        database = sqlite3.connect(uri, uri=True)
        payments = database.execute(CONFIRMED).fetchall()
    except sqlite3.Error as error:
        print(f"payments_sql: {options.books}: {error}", file=sys.stderr)
        return 2
    print("SET standard_conforming_strings = on;")
    # Two runs at once must not both find a payment missing.
    print("BEGIN;\nLOCK TABLE payments IN SHARE ROW EXCLUSIVE MODE;")
    for payment in payments:
        print(statement(*payment))
    print("COMMIT;")
    return 0


if __name__ == "__main__":
    sys.exit(main())
