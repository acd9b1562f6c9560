//! The flags that the pool adds to `snarkos start`.

use std::path::PathBuf;

use clap::Args;

// No doc comment here: clap would put it in the place of upstream's help of `start`.
// Values are plain strings, so that all mistakes can be listed at once instead of clap's first.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Mining pool")]
pub struct PoolArgs {
    /// Run a mining pool inside the node: miners connect to `--pool-listen`, shares and dumps are kept in
    /// `--pool-data`. Needs a ledger: use it with `--client` or `--validator`
    #[arg(long)]
    pub pool: bool,

    /// Read the pool's settings from a TOML file with the keys `listen`, `port`, `address`, `data`,
    /// `share_target`, `share_interval`, `min_share_target`, `fixed_share_target`, `node`, `scheme`,
    /// `fees`, `keep_shares_days`, `stall_refuse`, `stall_close`, `puzzle`, `capture`, `capture_address`, `verify_threads`, `release`, `max_connections`,
    /// `max_per_address`, `tls_certificate`, `tls_key`, `proxies`, `users` and `admin_password_file`, and the
    /// tables `[api]`, `[sinks.redis]`, `[sinks.postgres]` and `[[webhook]]`: `snarkos pool config example` prints
    /// one. Flags win over the file
    #[arg(long, value_name = "FILE", requires = "pool")]
    pub pool_config: Option<PathBuf>,

    /// Where miners connect [default: 0.0.0.0:3333]
    #[arg(long, value_name = "IP:PORT", requires = "pool")]
    pub pool_listen: Option<String>,

    /// One more port, pinned to a dialect: `json` (AleoStratum and the habits of other coins, distinguished by
    /// the subscription, like the default port), `aleostratum`, `generic`, `aion`, `abmatrix` or `zkwork`.
    /// With `,d=N` all its miners that ask for no other have the share target N. May be given several times;
    /// in the file, `[[port]]` tables with `listen`, `dialect` and `fixed_share_target`
    #[arg(long, value_name = "DIALECT@IP:PORT[,d=N]", requires = "pool")]
    pub pool_port: Vec<String>,

    /// Where the HTTP API with metrics and dashboard listens, or `off`; the table `[api]` of the file has
    /// more settings [default: 127.0.0.1:3335]
    #[arg(long, value_name = "IP:PORT|off", requires = "pool")]
    pub pool_api: Option<String>,

    /// The address that receives the rewards of solutions; it needs stake bonded to it. May be given several
    /// times, each with its own stake: miners are spread over the addresses by what these may still land; in
    /// the file, `address = ["aleo1…", "aleo1…"]` [default: the node's account]
    #[arg(long, value_name = "ALEO1…", requires = "pool")]
    pub pool_address: Vec<String>,

    /// The folder of the pool's database and share dumps [default: pool-<network> in the node's data folder]
    #[arg(long, value_name = "DIR", requires = "pool")]
    pub pool_data: Option<String>,

    /// Expected attempts per share of a miner that is new to the pool. Never above the network's proof
    /// target, like every other share target [default: 100000]
    #[arg(long, value_name = "N", requires = "pool")]
    pub pool_share_target: Option<String>,

    /// Seconds between the shares of a miner: its target follows from that [default: 10]
    #[arg(long, value_name = "SECONDS", requires = "pool")]
    pub pool_share_interval: Option<String>,

    /// The lowest share target [default: 1]
    #[arg(long, value_name = "N", requires = "pool")]
    pub pool_min_share_target: Option<String>,

    /// One share target for every miner that asks for no other (`d=N` in its password), instead of one that
    /// adapts to its shares
    #[arg(long, value_name = "N", requires = "pool")]
    pub pool_fixed_share_target: Option<String>,

    /// How rewards are shared out: `prop` (by the work since our last block), `pplns:N` (by the last work, N
    /// times the network's proof target) or `solo` (to the finder). A change holds from the next share on
    /// [default: pplns:4]
    #[arg(long, value_name = "SCHEME", requires = "pool")]
    pub pool_scheme: Option<String>,

    /// Accounts that get a part of every reward, in basis points (hundredths of a percent), e.g.
    /// `aleo1…:100,donations:25` [default: none]
    #[arg(long, value_name = "ACCOUNT:POINTS,…", requires = "pool")]
    pub pool_fees: Option<String>,

    /// Days for which shares are kept in the database; longer while a future block may pay for them. Dumps
    /// and totals stay forever [default: 30]
    #[arg(long, value_name = "DAYS", requires = "pool")]
    pub pool_keep_shares_days: Option<String>,

    /// Seconds after which shares are refused while the node is stuck or isolated: the work would earn nothing
    /// [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "pool")]
    pub pool_stall_refuse: Option<String>,

    /// Seconds after which connections are closed as well, so that miners go to their next pool [default: 300]
    #[arg(long, value_name = "SECONDS", requires = "pool")]
    pub pool_stall_close: Option<String>,

    /// The number of this node, 0 to 15, where several pool nodes share one address: different nodes never
    /// hand out the same counters [default: 0]
    #[arg(long, value_name = "N", requires = "pool")]
    pub pool_node: Option<String>,

    /// Threads that verify shares [default: half of the cores]
    #[arg(long, value_name = "N", requires = "pool")]
    pub pool_verify_threads: Option<String>,

    /// What computes the target of a share: `native` (a sample of it is checked with snarkVM) or `stock`,
    /// which is snarkVM itself and takes a fifth of a second per share [default: native]
    #[arg(long, value_name = "native|stock", requires = "pool")]
    pub puzzle: Option<String>,

    /// Which solutions go to the network when: `immediate`, `best-of-epoch`, or `auto`, which waits for
    /// better ones while more are found than the stake lets land [default: auto]
    #[arg(long, value_name = "auto|immediate|best-of-epoch", requires = "pool")]
    pub pool_release: Option<String>,

    /// Write down everything that connections send, raw and without passwords, one file each, to learn what
    /// an unknown device speaks; `snarkos pool transcript` makes a test of such a file. Stops when the folder
    /// holds 256 MiB
    #[arg(long, value_name = "DIR", requires = "pool")]
    pub capture: Option<String>,

    /// Capture only the connections from this address
    #[arg(long, value_name = "IP", requires = "pool")]
    pub capture_address: Option<String>,

    /// Miners served at once [default: 10000]
    #[arg(long, value_name = "N", requires = "pool")]
    pub pool_max_connections: Option<String>,

    /// Connections of one address; more for those whose shares have earned it [default: 256]
    #[arg(long, value_name = "N", requires = "pool")]
    pub pool_max_per_address: Option<String>,

    /// The TLS certificate chain (PEM); with it the port speaks TLS too; a renewed one is loaded by itself
    #[arg(long, value_name = "FILE", requires = "pool")]
    pub pool_tls_certificate: Option<String>,

    /// The private key of the TLS certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "pool")]
    pub pool_tls_key: Option<String>,

    /// Proxies in front of the pool, as addresses or networks separated by commas: they must send a PROXY
    /// header, and the pool trusts it
    #[arg(long, value_name = "LIST", requires = "pool")]
    pub pool_proxies: Option<String>,

    /// Who may log in: `open` means any valid login, `closed` only the users of users.json with their
    /// passwords [default: open]
    #[arg(long, value_name = "open|closed", requires = "pool")]
    pub pool_users: Option<String>,

    /// A file with the password of `mining.authorize_admin`, readable only by its owner; without it the port
    /// has no such method
    #[arg(long, value_name = "FILE", requires = "pool")]
    pub pool_admin_password_file: Option<String>,
}
