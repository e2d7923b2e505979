//! Makes foreign output safe to show on a terminal: no escape sequences, no control characters. Knows no meaning.

/// `text` without escape sequences and control characters other than newline and tab. A carriage return starts its line
/// anew, as a terminal would show it, so that progress bars leave only their last state.
pub fn sanitise(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut line_start = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_csi(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => clean.truncate(line_start),
            '\n' => {
                clean.push(c);
                line_start = clean.len();
            }
            '\t' => clean.push(c),
            _ if c.is_control() || is_direction(c) => {}
            _ => clean.push(c),
        }
    }
    clean
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(chars: &mut Chars) {
    match chars.next() {
        Some('[') => skip_csi(chars),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars),
        Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => {
            chars.next();
        }
        _ => {}
    }
}

/// Parameters, then one final byte.
fn skip_csi(chars: &mut Chars) {
    while let Some(&c) = chars.peek() {
        if c == '\n' || c == '\u{1b}' {
            return;
        }
        chars.next();
        if ('\u{40}'..='\u{7e}').contains(&c) {
            return;
        }
    }
}

/// Up to BEL or ESC `\`; a newline ends an unfinished one, so that it cannot swallow the rest.
fn skip_string(chars: &mut Chars) {
    while let Some(&c) = chars.peek() {
        if c == '\n' {
            return;
        }
        chars.next();
        if c == '\u{7}' {
            return;
        }
        if c == '\u{1b}' {
            if chars.peek() == Some(&'\\') {
                chars.next();
            }
            return;
        }
    }
}

fn is_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_controls_go_and_text_stays() {
        assert_eq!(sanitise("\u{1b}[31mred\u{1b}[0m é\tx\u{7}\n"), "red é\tx\n");
        assert_eq!(sanitise("\u{1b}]0;title\u{7}after"), "after");
        assert_eq!(sanitise("\u{1b}]0;never closed\nnext"), "\nnext");
        assert_eq!(sanitise("10%\r50%\rdone\r\n"), "done\n");
        assert_eq!(sanitise("a\u{202e}b"), "ab");
    }

    #[test]
    fn a_lone_escape_at_the_end_is_harmless() {
        assert_eq!(sanitise("x\u{1b}"), "x");
        assert_eq!(sanitise("x\u{1b}[12"), "x");
    }
}
