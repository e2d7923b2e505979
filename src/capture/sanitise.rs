//! Makes output safe for a terminal: colours stay, every other control or escape sequence is shown in caret form, and
//! characters that reorder text are named. Line by line; keeps no state.

/// Appends `line` (without its newline) to `shown` as it may be written to a terminal. `colour` keeps SGR sequences;
/// otherwise they are left out.
pub fn sanitise(line: &[u8], colour: bool, shown: &mut String) {
    let text = String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line));
    let mut rest = text.as_ref();
    let mut coloured = false;
    while let Some(at) = rest.find(is_unsafe) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        match sgr(rest) {
            Some(length) => {
                if colour {
                    shown.push_str(&rest[..length]);
                    coloured = true;
                }
                rest = &rest[length..];
            }
            None => {
                let mut chars = rest.chars();
                chars.next().into_iter().for_each(|c| push_visible(c, shown));
                rest = chars.as_str();
            }
        }
    }
    shown.push_str(rest);
    if coloured {
        // A colour left on would run into the next line, which may be another stage's.
        shown.push_str("\x1b[0m");
    }
}

fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\t') || reorders(c)
}

/// Bidirectional controls and their kin: what is read would not be what is there.
fn reorders(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Length of the SGR sequence (`ESC [ digits ; … m`) that `text` starts with.
fn sgr(text: &str) -> Option<usize> {
    let body = text.strip_prefix("\x1b[")?;
    let end = body.find(|c: char| !(c.is_ascii_digit() || c == ';' || c == ':'))?;
    (end <= 64 && body[end..].starts_with('m')).then_some(2 + end + 1)
}

fn push_visible(c: char, shown: &mut String) {
    match c as u32 {
        code @ 0..=0x1f => {
            shown.push('^');
            shown.push((b'@' + code as u8) as char);
        }
        0x7f => shown.push_str("^?"),
        code => shown.push_str(&format!("<U+{code:04X}>")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> String {
        let mut text = String::new();
        sanitise(line.as_bytes(), true, &mut text);
        text
    }

    #[test]
    fn colours_stay_and_end_with_their_line() {
        assert_eq!(shown("\x1b[1;31mred\x1b[0m ok"), "\x1b[1;31mred\x1b[0m ok\x1b[0m");
        let mut plain = String::new();
        sanitise(b"\x1b[31mred", false, &mut plain);
        assert_eq!(plain, "red");
    }

    #[test]
    fn everything_else_is_shown_not_done() {
        assert_eq!(shown("\x1b]0;title\x07"), "^[]0;title^G");
        assert_eq!(shown("\x1b[2J"), "^[[2J");
        assert_eq!(shown("50%\r100%\r"), "50%^M100%");
        assert_eq!(shown("a\tb\0\x7f"), "a\tb^@^?");
        assert_eq!(shown("\u{9b}2J\u{202e}evil"), "<U+009B>2J<U+202E>evil");
        assert_eq!(shown("\x1b[31"), "^[[31");
    }

    #[test]
    fn bytes_that_are_no_text_do_not_pass() {
        let mut text = String::new();
        sanitise(b"\xff\x9b2J", true, &mut text);
        assert_eq!(text, "\u{fffd}\u{fffd}2J");
    }
}
