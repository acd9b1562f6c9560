//! From a capture to a golden transcript, which the replay of recorded sessions picks up.
//!
//! The result is marked `captured`: its replay runs on another clock and another puzzle, so of the pool's
//! lines only the answers are compared, without the wording of refusals; targets and jobs that come unasked
//! are not. The initial chain, and the verdict on each counter, stand at the top.

use std::path::Path;

use anyhow::Context;
use thiserror::Error;

/// Why a capture cannot become a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    #[error("not a capture: its first line is not '@ DIALECT'; give a file that --capture has written")]
    NoCapture,
    #[error("line {0} is not a capture line: was the file edited or cut?")]
    BadLine(usize),
    #[error("the capture holds no line of a miner: there is nothing to replay")]
    Silent,
}

/// The transcript of a file that holds a capture.
pub fn of_file(capture: &Path) -> anyhow::Result<String> {
    let name = capture.display();
    let text = std::fs::read_to_string(capture).with_context(|| format!("cannot read {name}"))?;
    from_capture(&text).with_context(|| format!("{name} cannot become a transcript"))
}

/// Whether this is a session's id: the text to be replaced must not be empty, or part of anything else.
fn is_session(text: &str) -> bool {
    text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The transcript of a capture.
pub fn from_capture(capture: &str) -> Result<String, Unfit> {
    let mut lines = capture.lines();
    let dialect = lines.next().and_then(|line| line.strip_prefix("@ ")).ok_or(Unfit::NoCapture)?;
    let (mut session, mut address) = (None, None);
    let (mut before, mut talk) = (String::new(), String::new());
    let (mut heard, mut chain_known) = (0, false);
    for (number, line) in lines.enumerate() {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        match *words.as_slice() {
            ["session", id] if is_session(id) => session = Some(id),
            ["address", text] if text.starts_with("aleo1") => address = Some(text),
            // The miner's address is private.
            ["peer", _] => {}
            [_, "==", verdict] => before += &format!("== {verdict}\n"),
            [_, "!!", chain] if !chain_known => {
                chain_known = true;
                before += &format!("!! {chain}\n");
            }
            [_, mark @ ("->" | "<-" | "<~" | "!!"), text] => {
                heard += usize::from(mark == "->");
                talk += &format!("{mark} {text}\n");
            }
            ["the", "capture", "is full"] => {}
            _ => return Err(Unfit::BadLine(number + 2)),
        }
    }
    if heard == 0 {
        return Err(Unfit::Silent);
    }
    // A session's id begins with its counter prefix.
    let prefix = session.and_then(|id| id.get(..6)).map(|prefix| format!("\"{prefix}\""));
    let names = [(session, "SESSION"), (prefix.as_deref(), "\"PREFIX\""), (address, "ADDRESS")];
    for (text, placeholder) in names {
        if let Some(text) = text {
            talk = talk.replace(text, placeholder);
        }
    }
    Ok(format!("# Captured from a miner.\n@ {dialect} captured\n{before}{talk}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_placeholders_and_what_the_replay_must_know_comes_first() {
        let capture = "@ json\npeer 10.0.0.7:4711\nsession 0123456789abcdef\naddress aleo1x\n\
            0 !! 5 1000 synced ff\n12 -> {\"id\":1}\n13 <- [\"0123456789abcdef\",\"012345\",\"aleo1x\"]\n\
            900 == 77 accepted\n901 <- true\n950 <~ notice\n";
        assert_eq!(
            from_capture(capture).unwrap(),
            "# Captured from a miner.\n@ json captured\n!! 5 1000 synced ff\n== 77 accepted\n-> {\"id\":1}\n\
            <- [\"SESSION\",\"PREFIX\",\"ADDRESS\"]\n<- true\n<~ notice\n"
        );
    }

    #[test]
    fn what_is_no_capture_is_refused() {
        assert_eq!(from_capture(""), Err(Unfit::NoCapture));
        assert_eq!(from_capture("hello\n"), Err(Unfit::NoCapture));
        assert_eq!(from_capture("@ json\n1 -> a\nhello\n"), Err(Unfit::BadLine(3)));
        assert_eq!(from_capture("@ json\n"), Err(Unfit::Silent));
        assert_eq!(from_capture("@ json\nsession \n"), Err(Unfit::BadLine(2)));
        assert_eq!(from_capture("@ json\naddress -\n"), Err(Unfit::BadLine(2)));
    }
}
