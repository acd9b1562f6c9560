//! JSON that is safe to show.

/// Writes the characters that could do harm where a dump is shown as `\u` escapes: `<`, `>` and `&` (a web
/// page), control characters (a terminal), line separators and direction marks. Worker names are chosen by
/// strangers. The JSON value stays the same: these characters only occur inside strings.
pub(super) fn escape_for_display(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if is_harmful(character) {
            // All of them are below U+10000: one escape each.
            safe.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            safe.push(character);
        }
    }
    safe
}

fn is_harmful(character: char) -> bool {
    matches!(
        character,
        '<' | '>' | '&'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_harms_a_page_or_a_terminal_is_escaped() {
        let name = "<img src=x onerror=alert(1)> \"quoted\"\n\u{9b}31m \u{202e}live 矿工";
        let json = escape_for_display(&serde_json::to_string(name).unwrap());
        assert_eq!(json, r#""\u003cimg src=x onerror=alert(1)\u003e \"quoted\"\n\u009b31m \u202elive 矿工""#);
    }

    proptest! {
        #[test]
        fn the_value_stays_the_same(name in ".*", other in any::<String>()) {
            let json = escape_for_display(&serde_json::to_string_pretty(&[&name, &other]).unwrap());
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), vec![name, other]);
            prop_assert!(!json.chars().any(is_harmful));
        }
    }
}
