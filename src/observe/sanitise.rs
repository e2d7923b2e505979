//! Text of stages as lines of a terminal: what a carriage return overwrote is gone, and every line is made safe. Knows
//! no meaning; what is safe is decided by `capture`.

use crate::capture::sanitise::sanitise as safe_line;

/// `text` without colour, other control and escape sequences in caret form. A carriage return starts its line anew, as a
/// terminal would show it, so that progress bars leave only their last state.
pub fn sanitise(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.strip_suffix('\n').unwrap_or(line);
        clean.push_str(&last_state(body.as_bytes(), false));
        if line.ends_with('\n') {
            clean.push('\n');
        }
    }
    clean
}

/// One line without its newline, as [`sanitise`] shows it; `colour` keeps colours.
pub fn last_state(line: &[u8], colour: bool) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let from = memchr::memrchr(b'\r', line).map_or(0, |at| at + 1);
    let mut clean = String::with_capacity(line.len() - from);
    safe_line(&line[from..], colour, &mut clean);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_go_controls_are_shown_and_text_stays() {
        assert_eq!(sanitise("\u{1b}[31mred\u{1b}[0m é\tx\u{7}\n"), "red é\tx^G\n");
        assert_eq!(sanitise("\u{1b}]0;title\u{7}after"), "^[]0;title^Gafter");
        assert_eq!(sanitise("\u{1b}]0;never closed\nnext"), "^[]0;never closed\nnext");
        assert_eq!(sanitise("a\u{202e}b"), "a<U+202E>b");
    }

    #[test]
    fn a_carriage_return_leaves_the_last_state() {
        assert_eq!(sanitise("10%\r50%\rdone\r\nnext\n"), "done\nnext\n");
        assert_eq!(sanitise("x\u{1b}"), "x^[");
    }
}
