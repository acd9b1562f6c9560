//! The rules by which rewards are shared out, as the operator chose them.

use std::{fmt, str::FromStr};

/// A hundredth of a hundredth: 10,000 are the whole.
pub const WHOLE_BASIS_POINTS: u32 = 10_000;

/// The most accounts that may take a fee.
pub const MAX_FEES: usize = 16;

/// The longest window of PPLNS, in proof targets of work.
pub const MAX_PPLNS_WINDOW: u32 = 1_000_000;

/// How a block's reward is shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In proportion to the work since our last landed block.
    Prop,
    /// In proportion to the latest work, `window` times the network's proof target, across blocks.
    Pplns { window: u32 },
    /// Each solution's reward goes to the account that found it.
    Solo,
}

/// An account that gets a part of every reward, whatever it mines: the operator's, or a donation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fee {
    pub account: String,
    pub basis_points: u32,
}

/// The configured rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    pub scheme: Scheme,
    /// At most [`MAX_FEES`], together at most the whole, no account twice.
    pub fees: Vec<Fee>,
}

/// Rules, and the share from which they apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub rules: Rules,
    /// The first share under these rules. A block pays by the terms of its last share.
    pub since_seq: u64,
    /// PPLNS does not look back past this share: the start of the round that was open when the scheme was
    /// chosen. Earlier shares were paid for under another scheme.
    pub reach_seq: u64,
}

impl Scheme {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prop => "prop",
            Self::Pplns { .. } => "pplns",
            Self::Solo => "solo",
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self { scheme: Scheme::Pplns { window: 4 }, fees: Vec::new() }
    }
}

impl Terms {
    /// The terms under `rules` from the share after `last_seq` on. `open_from`: the first share that no
    /// block has paid for yet.
    pub fn after(last_seq: u64, open_from: u64, rules: Rules, before: Option<&Self>) -> Self {
        let same_scheme = |terms: &&Self| terms.rules.scheme.name() == rules.scheme.name();
        let reach_seq = before.filter(same_scheme).map_or(open_from, |terms| terms.reach_seq);
        Self { rules, since_seq: last_seq.saturating_add(1), reach_seq }
    }
}

impl FromStr for Scheme {
    type Err = String;

    /// `prop`, `pplns`, `pplns:WINDOW` or `solo`.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None => match text {
                "prop" => Ok(Self::Prop),
                "pplns" => Ok(Rules::default().scheme),
                "solo" => Ok(Self::Solo),
                _ => Err(format!("there is no scheme '{text}'")),
            },
            Some(("pplns", window)) => match window.parse() {
                Ok(window) if (1..=MAX_PPLNS_WINDOW).contains(&window) => Ok(Self::Pplns { window }),
                _ => Err(format!("the window '{window}' is not a whole number in the range")),
            },
            Some((name, _)) => Err(format!("the scheme '{name}' does not take a number")),
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pplns { window } => write!(f, "pplns:{window}"),
            other => f.write_str(other.name()),
        }
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scheme)?;
        for Fee { account, basis_points } in &self.fees {
            write!(f, ", {basis_points} basis points to {account}")?;
        }
        Ok(())
    }
}

/// `ACCOUNT:BASIS_POINTS`, separated by commas; empty for none. `check_account` judges and normalises a
/// name as a login would.
pub fn parse_fees(
    text: &str,
    check_account: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<Fee>, String> {
    let mut fees: Vec<Fee> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (account, basis_points) =
            entry.rsplit_once(':').ok_or_else(|| format!("'{entry}' has no ':' and basis points"))?;
        let account = check_account(account.trim())?;
        let basis_points: u32 = basis_points
            .trim()
            .parse()
            .ok()
            .filter(|points| (1..=WHOLE_BASIS_POINTS).contains(points))
            .ok_or_else(|| format!("'{basis_points}' is not a number of basis points"))?;
        if fees.iter().any(|fee| fee.account == account) {
            return Err(format!("the account '{account}' is named twice"));
        }
        fees.push(Fee { account, basis_points });
    }
    if fees.len() > MAX_FEES {
        return Err(format!("{} accounts take a fee, more than {MAX_FEES}", fees.len()));
    }
    let sum: u32 = fees.iter().map(|fee| fee.basis_points).sum();
    if sum > WHOLE_BASIS_POINTS {
        return Err(format!("the fees are {sum} basis points together, more than the whole"));
    }
    Ok(fees)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Fee>, String> {
        parse_fees(text, |account| match account {
            "" => Err("empty".to_owned()),
            _ => Ok(account.to_lowercase()),
        })
    }

    fn fee(account: &str, basis_points: u32) -> Fee {
        Fee { account: account.to_owned(), basis_points }
    }

    #[test]
    fn schemes_are_read_as_they_are_shown() {
        for text in ["prop", "pplns:1", "pplns:1000000", "solo"] {
            assert_eq!(text.parse::<Scheme>().unwrap().to_string(), text);
        }
        assert_eq!("pplns".parse::<Scheme>().unwrap(), Rules::default().scheme);
        for text in
            ["", "pps", "PROP", "pplns:", "pplns:0", "pplns:-1", "pplns:1.5", "pplns:1000001", "solo:1"]
        {
            assert!(text.parse::<Scheme>().is_err(), "{text}");
        }
    }

    #[test]
    fn fees_name_each_account_once_and_take_the_whole_at_most() {
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("Pool:100, dev:50").unwrap(), [fee("pool", 100), fee("dev", 50)]);
        assert_eq!(parse("a:10000").unwrap(), [fee("a", 10_000)]);
        for text in ["a", "a:", "a:0", "a:10001", "a:1.5", ":5", "a:1,A:2", "a:9000,b:1001"] {
            assert!(parse(text).is_err(), "{text}");
        }
        let many: Vec<String> = (0..17).map(|number| format!("a{number}:1")).collect();
        assert!(parse(&many.join(",")).is_err());
    }

    #[test]
    fn another_scheme_reaches_back_to_the_open_round_and_other_fees_change_no_reach() {
        let prop = Rules { scheme: Scheme::Prop, fees: vec![] };
        let pplns = |window| Rules { scheme: Scheme::Pplns { window }, fees: vec![] };
        let first = Terms::after(0, 1, prop, None);
        assert_eq!((first.since_seq, first.reach_seq), (1, 1));
        let second = Terms::after(50, 41, pplns(2), Some(&first));
        assert_eq!((second.since_seq, second.reach_seq), (51, 41));
        let third = Terms::after(90, 81, pplns(3), Some(&second));
        assert_eq!((third.since_seq, third.reach_seq), (91, 41));
    }
}
