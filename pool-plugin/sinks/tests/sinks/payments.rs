//! Payments of the payout script next to the balances, by the script that copies them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use pool_sinks::postgres::PostgresSink;

use crate::{
    servers::PostgresServer,
    support::{Pages, drive},
};

fn scripts() -> PathBuf {
    // As it is now: clones of a machine share test programs.
    PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../scripts")
}

/// Writes payments with the payout script's own schema: account, amount, state, transaction.
fn pay(books: &Path, payments: &str) {
    let program = format!(
        "import os, sys; sys.path.insert(0, sys.argv[1]); import payout\n\
         books = payout.Books(sys.argv[2], new=not os.path.exists(sys.argv[2]))\n\
         for account, amount, state, transaction in {payments}:\n    \
             books.database.execute('INSERT INTO payments VALUES (?, ?, ?, ?, ?, ?, NULL, 0, NULL, 1700000000)', \
             (transaction, account, 'aleo1' + account, amount, state, transaction))"
    );
    let run = Command::new("python3").args(["-c", &program]).arg(scripts()).arg(books).status();
    assert!(run.unwrap().success());
}

/// As docs/sinks.md describes it.
fn carry_over(books: &Path, server: &PostgresServer) {
    let script = Command::new(scripts().join("payments_sql.py")).arg("--books").arg(books).output().unwrap();
    let sql = books.with_extension("sql");
    std::fs::write(&sql, script.stdout).unwrap();
    let psql = Command::new("psql")
        .args(["--quiet", "--set", "ON_ERROR_STOP=1", &server.url()])
        .stdin(std::fs::File::open(&sql).unwrap())
        .status();
    assert!(psql.unwrap().success());
}

fn number(server: &PostgresServer, sql: &str) -> i64 {
    server.client().query_one(&format!("SELECT ({sql})::BIGINT"), &[]).unwrap().get(0)
}

#[test]
fn a_confirmed_payment_is_written_and_taken_off_the_balance_once() {
    let server = PostgresServer::start();
    let pages = Pages::with(0, 2);
    let mut sink = PostgresSink::new(server.url().parse().unwrap(), "aleo", "");
    drive(&mut sink, &pages).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let books = folder.path().join("books.sqlite");
    pay(
        &books,
        "[('ann', 700, 'confirmed', 'at1a'), ('bob', 300, 'sent', 'at1b'), (\"o'hara\", 5, 'confirmed', 'at1c')]",
    );
    let earned = i64::try_from(pages.rewards()["ann"]).unwrap();
    for _ in 0..2 {
        carry_over(&books, &server);
        assert_eq!(number(&server, "SELECT count(*) FROM payments"), 2);
        assert_eq!(number(&server, "SELECT balance FROM miners_balance WHERE wallet = 'ann'"), earned - 700);
        assert_eq!(number(&server, "SELECT balance FROM miners_balance WHERE wallet = 'o''hara'"), -5);
    }
    let whole = "SELECT amount FROM payments WHERE wallet_address = '{aleo1ann}' AND transaction_hash = 'at1a' \
                 AND timestamp = '2023-11-14 22:13:20'";
    assert_eq!(number(&server, whole), 700);

    pay(&books, "[('bob', 200, 'confirmed', 'at1d')]");
    pages.add(0, 1);
    drive(&mut sink, &pages).unwrap();
    carry_over(&books, &server);
    let sums = "(SELECT sum(total) FROM wallet_total) - (SELECT sum(amount) FROM payments)";
    assert_eq!(number(&server, "SELECT sum(balance) FROM miners_balance"), number(&server, sums));
}
