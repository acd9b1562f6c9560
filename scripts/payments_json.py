#!/usr/bin/env python3
"""Print what payout.py has paid to each account, as the pool's API reads it.

    payments_json.py --books books.sqlite > DATA/payments.json

DATA is the pool's data folder. Only confirmed payments count. Needs Python 3.8 or later and nothing else; it only reads
the books. Write to another file in the same folder and rename it, if a reader may come in between. docs/api.md has more.
"""
import argparse, json, pathlib, sqlite3, sys


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--books", default="payout.sqlite", metavar="FILE", help="payout.py's books [payout.sqlite]")
    options = parser.parse_args(arguments)
    paid = {}
    try:
        uri = pathlib.Path(options.books).resolve().as_uri() + "?mode=ro"
        database = sqlite3.connect(uri, uri=True)
        # Added up here: SQLite's sums end at 63 bits.
        for account, amount in database.execute("SELECT account, amount FROM payments WHERE state = 'confirmed'"):
            paid[account] = paid.get(account, 0) + amount
    except sqlite3.Error as error:
        print(f"payments_json: {options.books}: {error}", file=sys.stderr)
        return 2
    json.dump({"paid": {account: str(amount) for account, amount in sorted(paid.items())}}, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
