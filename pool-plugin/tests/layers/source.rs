//! Reads which modules a Rust file names. Not a parser: it knows comments, strings, attributes and `use`.

use std::ops::Range;

/// Production code alone: as long as the file, line for line, with comments, strings and test code blank.
pub(crate) struct Code {
    pub(crate) text: String,
    /// Modules in other files that only tests have.
    pub(crate) test_modules: Vec<String>,
}

/// A path that the code names, e.g. `super::jobs::Job`, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) path: Vec<String>,
    /// What a `use` calls it; `None` in an expression.
    pub(crate) import: Option<String>,
    pub(crate) line: usize,
}

impl Code {
    pub(crate) fn read(source: &str) -> Self {
        let mut text = without_text(source).into_bytes();
        let mut test_modules = vec![];
        while let Some(item) = test_item(&text) {
            let (code, _) = split_attributes(&text[item.clone()]);
            let words: Vec<&str> =
                code.split(|c: char| !is_name(c)).filter(|word| !word.is_empty()).collect();
            if let (Some(at), Some(';')) =
                (words.iter().position(|w| *w == "mod"), code.trim_end().chars().last())
                && let Some(name) = words.get(at + 1)
            {
                test_modules.push((*name).to_owned());
            }
            blank(&mut text, item);
        }
        Self { text: String::from_utf8(text).unwrap(), test_modules }
    }

    /// Every path in a `use`, and every path elsewhere that begins with `crate`, `super`, `self` or one of `modules`.
    pub(crate) fn named(&self, modules: &[&str]) -> Vec<Named> {
        let mut named = vec![];
        let mut rest = self.text.clone().into_bytes();
        for range in uses(&self.text) {
            let line = line_of(&self.text, range.start);
            let tree = &self.text[range.clone()];
            for (path, import) in leaves(tree) {
                named.push(Named { path, import: Some(import), line });
            }
            blank(&mut rest, range);
        }
        let rest = String::from_utf8(rest).unwrap();
        for (at, path) in paths(&rest) {
            let first = path[0].as_str();
            if ["crate", "super", "self"].contains(&first) || modules.contains(&first) {
                named.push(Named { path, import: None, line: line_of(&rest, at) });
            }
        }
        named
    }

    /// Whether an item of this name begins here.
    pub(crate) fn defines(&self, name: &str) -> bool {
        let words: Vec<&str> =
            self.text.split(|c: char| !is_name(c)).filter(|word| !word.is_empty()).collect();
        const ITEMS: [&str; 8] = ["struct", "enum", "trait", "type", "fn", "const", "static", "mod"];
        words.windows(2).any(|pair| ITEMS.contains(&pair[0]) && pair[1] == name)
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

fn blank(text: &mut [u8], range: Range<usize>) {
    text[range].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

/// The source with comments, strings and characters blank.
fn without_text(source: &str) -> String {
    let mut text = source.as_bytes().to_vec();
    let mut at = 0;
    while at < text.len() {
        let end = match literal_end(&source.as_bytes()[at..], at > 0 && is_name(char::from(text[at - 1]))) {
            Some(length) => at + length,
            None => {
                at += 1;
                continue;
            }
        };
        blank(&mut text, at..end);
        at = end;
    }
    String::from_utf8(text).unwrap()
}

/// How long the comment, string or character is that begins here. `in_name`: a name goes on here.
fn literal_end(rest: &[u8], in_name: bool) -> Option<usize> {
    let find = |from: usize, what: &[u8]| {
        rest[from..].windows(what.len()).position(|window| window == what).map_or(rest.len(), |at| from + at)
    };
    if rest.starts_with(b"//") {
        return Some(find(0, b"\n"));
    }
    if rest.starts_with(b"/*") {
        return Some((find(2, b"*/") + 2).min(rest.len()));
    }
    if rest[0] == b'"' {
        let mut at = 1;
        while rest[at] != b'"' {
            at += if rest[at] == b'\\' { 2 } else { 1 };
        }
        return Some(at + 1);
    }
    if !in_name && (rest[0] == b'r' || rest.starts_with(b"br")) {
        let after = if rest[0] == b'b' { 2 } else { 1 };
        let hashes = rest[after..].iter().take_while(|byte| **byte == b'#').count();
        if rest.get(after + hashes) == Some(&b'"') {
            let end = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            return Some(find(after + hashes + 1, &end) + end.len());
        }
    }
    if rest[0] == b'\'' && rest.len() > 2 {
        if rest[1] == b'\\' {
            return Some(find(3, b"'") + 1);
        }
        // Otherwise it is a lifetime.
        let character = std::str::from_utf8(&rest[1..rest.len().min(5)]);
        let first = match character {
            Ok(text) => text.chars().next(),
            Err(error) => {
                std::str::from_utf8(&rest[1..1 + error.valid_up_to()]).ok().and_then(|t| t.chars().next())
            }
        };
        let length = first.map_or(1, char::len_utf8);
        return (rest.get(1 + length) == Some(&b'\'')).then_some(length + 2);
    }
    None
}

/// The first item, with its attributes, that only tests have.
fn test_item(text: &[u8]) -> Option<Range<usize>> {
    let code = std::str::from_utf8(text).unwrap();
    let marks = ["#[cfg(test)]", "#[cfg(any(test", "#[cfg(all(test"];
    let start = marks.iter().filter_map(|mark| code.find(mark)).min()?;
    let (_, attributes) = split_attributes(&text[start..]);
    let mut depth = 0;
    for (at, byte) in text.iter().enumerate().skip(start + attributes) {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth -= 1,
            _ => {}
        }
        let is_last = matches!(byte, b'}' | b';' | b',') && depth == 0 || depth < 0;
        if is_last {
            // Of a `use` or a `let` the semicolon that follows is the end.
            return Some(start..at + 1);
        }
    }
    Some(start..text.len())
}

/// What follows the attributes at the beginning of `text`, and how long these are.
fn split_attributes(text: &[u8]) -> (&str, usize) {
    let code = std::str::from_utf8(text).unwrap();
    let mut at = 0;
    while code[at..].trim_start().starts_with("#[") {
        at += code[at..].find("#[").unwrap();
        let mut depth = 0;
        for (offset, c) in code[at..].char_indices() {
            match c {
                '[' => depth += 1,
                ']' => depth -= 1,
                _ => {}
            }
            if c == ']' && depth == 0 {
                at += offset + 1;
                break;
            }
        }
    }
    (&code[at..], at)
}

/// Where the trees of the `use` statements stand, without the word itself.
fn uses(code: &str) -> Vec<Range<usize>> {
    let mut found = vec![];
    for (at, _) in code.match_indices("use") {
        let before = code[..at].chars().next_back();
        let after = code[at + 3..].chars().next();
        if before.is_some_and(is_name) || !after.is_some_and(char::is_whitespace) {
            continue;
        }
        let end = code[at..].find(';').map_or(code.len(), |end| at + end);
        found.push(at + 4..end);
    }
    found
}

/// The paths of a `use` tree, each with the name it has from then on.
fn leaves(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias)));
        let mut path: Vec<String> = path.split("::").map(|part| part.trim().to_owned()).collect();
        if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        let name =
            alias.map_or_else(|| path.last().cloned().unwrap_or_default(), |alias| alias.trim().to_owned());
        return vec![(path, name)];
    };
    let prefix: Vec<String> =
        tree[..open].split("::").map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
    let close = tree.rfind('}').unwrap_or(tree.len());
    let mut found = vec![];
    for part in split_at_commas(&tree[open + 1..close]) {
        for (rest, name) in leaves(part) {
            let is_the_prefix = rest == ["self"];
            let path = if is_the_prefix { prefix.clone() } else { [prefix.clone(), rest].concat() };
            let name =
                if is_the_prefix && name == "self" { path.last().cloned().unwrap_or_default() } else { name };
            found.push((path, name));
        }
    }
    found
}

fn split_at_commas(list: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0, 0, vec![]);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts.into_iter().filter(|part| !part.trim().is_empty()).collect()
}

/// Every path of two names or more, and where it begins.
fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = vec![];
    let mut at = 0;
    while let Some(start) = code[at..].find(|c: char| c.is_alphabetic() || c == '_').map(|offset| at + offset)
    {
        let mut end = start;
        let mut path = vec![];
        loop {
            let length = code[end..].find(|c: char| !is_name(c)).unwrap_or(code.len() - end);
            path.push(code[end..end + length].to_owned());
            end += length;
            let follows = code[end..]
                .strip_prefix("::")
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic() || c == '_'));
            if !follows {
                break;
            }
            end += 2;
        }
        // What follows `::`, `.` or `$` is the rest of something else.
        let before = code[..start].chars().next_back();
        if path.len() > 1 && !before.is_some_and(|c| [':', '.', '$'].contains(&c) || is_name(c)) {
            found.push((start, path));
        }
        at = end.max(start + 1);
    }
    found
}

#[test]
fn a_file_is_read_without_its_comments_strings_and_tests() {
    let code = Code::read(
        r##"
//! use crate::comment;
use std::fmt;
pub(crate) use super::{a::{self, B as C}, d::*};
const TEXT: &str = "crate::string"; const RAW: &str = r#"crate::raw "#; const Q: char = '"';
fn f<'a>(x: &'a str) { crate::e::f(x); g::h(); x.super_::i() }
#[cfg(test)]
mod elsewhere;
#[cfg(any(test, feature = "x"))]
#[path = "x"]
pub mod more;
#[cfg(test)]
mod tests { use crate::test; fn f() { crate::test::f(); } }
fn last() { crate::z::y() }
"##,
    );
    assert_eq!(code.test_modules, ["elsewhere", "more"]);
    let named: Vec<String> =
        code.named(&["g"]).iter().map(|named| format!("{} {}", named.line, named.path.join("::"))).collect();
    assert_eq!(
        named,
        [
            "3 std::fmt",
            "4 super::a",
            "4 super::a::B",
            "4 super::d::*",
            "6 crate::e::f",
            "6 g::h",
            "14 crate::z::y"
        ]
    );
    assert_eq!(code.named(&[])[2].import.as_deref(), Some("C"));
    assert!(code.defines("last") && !code.defines("tests"));
}
