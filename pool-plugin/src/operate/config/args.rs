//! The flags that the pool adds to `snarkos start`.

use std::{collections::BTreeMap, path::PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use super::keys::{self, Flag, Key};

// No doc comment here: clap would put it in the place of upstream's help of `start`.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Mining pool")]
pub struct PoolArgs {
    /// Run a mining pool inside the node: miners connect to `--pool-listen`, shares and dumps are kept in
    /// `--pool-data`. Needs a ledger: use it with `--client` or `--validator`
    #[arg(long)]
    pub pool: bool,

    /// Read the pool's settings from a TOML file: `snarkos pool config example` prints one with every key. Flags
    /// win over the file
    #[arg(long, value_name = "FILE", requires = "pool")]
    pub pool_config: Option<PathBuf>,

    #[command(flatten)]
    pub keys: KeyFlags,
}

// Values are plain strings, so that all mistakes can be listed at once instead of clap's first.
/// The flags of the keys, by key, with their values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFlags(BTreeMap<&'static str, Vec<String>>);

impl KeyFlags {
    /// `None`: the flag is not given.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.0.get(key).map(Vec::as_slice)
    }

    /// The keys whose flags are given.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }
}

impl FromIterator<(&'static str, String)> for KeyFlags {
    /// From keys and values of their flags; a flag may be repeated.
    fn from_iter<I: IntoIterator<Item = (&'static str, String)>>(values: I) -> Self {
        let mut flags = BTreeMap::<_, Vec<_>>::new();
        for (key, value) in values {
            flags.entry(key).or_default().push(value);
        }
        Self(flags)
    }
}

/// The keys that have a flag.
fn flags() -> impl Iterator<Item = (&'static Key, &'static Flag)> {
    keys::all().filter_map(|key| Some((key, key.flag.as_ref()?)))
}

impl Args for KeyFlags {
    fn augment_args(command: Command) -> Command {
        command.args(flags().map(|(key, flag)| {
            Arg::new(flag.name)
                .long(flag.name)
                .value_name(flag.value)
                .action(if flag.many { ArgAction::Append } else { ArgAction::Set })
                .requires("pool")
                .help(help(key))
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for KeyFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut given = Self::default();
        given.update_from_arg_matches(matches)?;
        Ok(given)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for (key, flag) in flags() {
            if let Ok(Some(values)) = matches.try_get_many::<String>(flag.name) {
                self.0.insert(key.name, values.cloned().collect());
            }
        }
        Ok(())
    }
}

fn help(key: &Key) -> String {
    let default = match key.default_in_words() {
        words if words.is_empty() => String::new(),
        words => format!(" [default: {words}]"),
    };
    format!("{} [allowed: {}]{default}", key.doc, key.allowed.in_words())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        pool: PoolArgs,
    }

    fn command() -> Command {
        PoolArgs::augment_args(Command::new("start"))
    }

    fn parse(line: &[&str]) -> Result<PoolArgs, Error> {
        Cli::try_parse_from([&["start"], line].concat()).map(|cli| cli.pool)
    }

    #[test]
    fn every_flag_is_of_a_key_except_two() {
        command().debug_assert();
        let flags: Vec<String> = command()
            .get_arguments()
            .filter_map(Arg::get_long)
            .filter(|flag| !["pool", "pool-config", "help"].contains(flag))
            .map(str::to_owned)
            .collect();
        let of_keys: Vec<_> = super::flags().map(|(_, flag)| flag.name).collect();
        assert_eq!(flags, of_keys);
    }

    #[test]
    fn a_flag_is_called_like_its_key() {
        for (key, flag) in super::flags().filter(|(key, _)| key.name != "api.listen") {
            let name = key.name.replace('_', "-");
            assert!([name.as_str(), &format!("pool-{name}")].contains(&flag.name), "{}", flag.name);
        }
    }

    #[test]
    fn help_says_what_a_flag_is_for_what_is_allowed_and_the_default() {
        let help = command().render_help().to_string();
        for (key, flag) in super::flags() {
            let start = help.find(&format!("--{} <{}>", flag.name, flag.value));
            let of_flag = &help[start.unwrap_or_else(|| panic!("--{} is missing", flag.name))..];
            let end = of_flag[2..].find("\n      --").map_or(of_flag.len(), |end| end + 2);
            assert!(of_flag[..end].contains(key.doc), "{}", &of_flag[..end]);
            assert!(of_flag[..end].contains(&key.allowed.in_words()), "{}", &of_flag[..end]);
        }
        for default in ["0.0.0.0:3333", "half of the cores", "127.0.0.1:3335", "pplns:4", "10000", "none"] {
            assert!(help.contains(&format!("[default: {default}]")), "{default}");
        }
        assert!(help.contains("Mining pool:"), "{help}");
    }

    #[test]
    fn flags_come_by_key_and_only_some_may_be_repeated() {
        let line = ["--pool", "--pool-api=off", "--pool-port=a", "--pool-port=b", "--capture=c"];
        let flags = parse(&line).unwrap().keys;
        assert_eq!(flags.names().collect::<Vec<_>>(), ["api.listen", "capture", "port"]);
        assert_eq!(flags.get("api.listen").unwrap(), ["off"]);
        assert_eq!(flags.get("port").unwrap(), ["a", "b"]);
        assert_eq!(flags.get("listen"), None);
        assert!(parse(&["--pool", "--pool-node=1", "--pool-node=2"]).is_err());
        assert!(parse(&["--pool-node=1"]).is_err(), "without --pool");
        let wrong = parse(&["--pool", "--pool-nodes=1"]).unwrap_err().to_string();
        assert!(wrong.contains("--pool-node"), "{wrong}");
    }
}
