//! The target a miner asks for in its password: `d=` and a number, next to other text. Pure.

use crate::stratum::vardiff::Aim;

/// What a password asks for: `d=5000` for that target, `d=0` for one that adapts to the miner's shares,
/// nothing for the port's default. Other text, separated by commas, semicolons or spaces, is ignored.
pub fn in_password(password: &str) -> Option<Aim> {
    let words = password.split([',', ';', ' ']).map(str::trim);
    let options = words.filter_map(|word| word.strip_prefix("d=").or_else(|| word.strip_prefix("diff=")));
    let mut targets = options.filter_map(|digits| digits.replace('_', "").parse().ok());
    targets.next_back().map(|target| match target {
        0 => Aim::Shares,
        target => Aim::Fixed(target),
    })
}

/// Whether a password asks for targets that are powers of two: `pow2`, in any place.
pub fn powers_of_two(password: &str) -> bool {
    password.split([',', ';', ' ']).any(|word| word.trim() == "pow2")
}

/// The password without these options: a user's password is compared with it.
pub fn without(password: &str) -> &str {
    const BETWEEN: [char; 3] = [',', ';', ' '];
    let is_option = |word: &str| in_password(word).is_some() || powers_of_two(word);
    let mut rest = password;
    loop {
        rest = match (rest.rsplit_once(BETWEEN), rest.split_once(BETWEEN)) {
            (Some((before, last)), _) if is_option(last) => before,
            (_, Some((first, behind))) if is_option(first) => behind,
            _ if is_option(rest) => "",
            _ => return rest,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_target_is_found_among_the_rest() {
        for password in ["d=5000", "x,d=5000", "d=5_000;secret", "a b d=5000 c", "diff=5000", "d=7,d=5000"] {
            assert_eq!(in_password(password), Some(Aim::Fixed(5000)), "{password}");
        }
        assert_eq!(in_password("d=0"), Some(Aim::Shares));
    }

    #[test]
    fn powers_of_two_are_a_word_of_their_own() {
        for (password, asked) in
            [("pow2", true), ("x,pow2", true), ("d=5000;pow2", true), ("", false), ("pow22", false)]
        {
            assert_eq!(powers_of_two(password), asked, "{password}");
        }
    }

    #[test]
    fn what_is_no_wish_is_a_password() {
        for password in ["", "x", "d", "d=", "d=-1", "d=1.5", "d=many", "abcd=5", "d=99999999999999999999"] {
            assert_eq!(in_password(password), None, "{password}");
        }
    }

    #[test]
    fn a_password_has_no_wish_in_it() {
        for password in ["secret", "secret,d=5000", "d=5;secret", "d=5;secret d=6", "pow2,secret,d=5"] {
            assert_eq!(without(password), "secret", "{password}");
        }
        for unchanged in ["a, b;c", "", "x", "d=many"] {
            assert_eq!(without(unchanged), unchanged);
        }
        assert_eq!(without("d=5000"), "");
    }

    proptest! {
        #[test]
        fn no_password_harms(password: String) {
            let _ = (in_password(&password), without(&password));
        }
    }
}
