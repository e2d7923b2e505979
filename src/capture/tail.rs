//! The last bytes of a stream, 64 KiB unless said otherwise. Knows only bytes.

use std::collections::VecDeque;

/// The contract's window of `stderr`.
pub const WINDOW: usize = 64 << 10;

/// A window over the end of what was pushed; empty until something is.
#[derive(Debug)]
pub struct Tail {
    bytes: VecDeque<u8>,
    window: usize,
}

impl Default for Tail {
    fn default() -> Self {
        Tail::of(WINDOW)
    }
}

impl Tail {
    /// A window of so many bytes.
    pub fn of(window: usize) -> Self {
        Tail { bytes: VecDeque::new(), window }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(self.window)..];
        let over = (self.bytes.len() + bytes.len()).saturating_sub(self.window);
        self.bytes.drain(..over);
        self.bytes.extend(bytes);
    }

    /// As text: a character cut by the window's edge is left out, what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        let (front, back) = self.bytes.as_slices();
        let mut all = [front, back].concat();
        if all.len() == self.window {
            let cut = all.iter().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
            all.drain(..cut);
        }
        let mut text =
            String::from_utf8(all).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
        // Replacement marks are longer than the bytes they stand for.
        let mut over = text.len().saturating_sub(self.window);
        while !text.is_char_boundary(over) {
            over += 1;
        }
        text.drain(..over);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_is_kept() {
        let mut tail = Tail::default();
        tail.push(&vec![b'x'; WINDOW * 3]);
        tail.push("über the end".as_bytes());
        assert!(tail.text().ends_with("xüber the end"));
        assert_eq!(tail.text().len(), WINDOW);
    }

    #[test]
    fn a_character_cut_in_half_is_left_out() {
        let mut tail = Tail::default();
        tail.push("é".repeat(WINDOW).as_bytes());
        tail.push(b"x");
        assert!(tail.text().starts_with('é') && tail.text().ends_with("éx"));
        tail.push(&vec![0xff; WINDOW]);
        assert!(tail.text().len() <= WINDOW);
    }
}
