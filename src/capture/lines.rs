//! Cuts a stream into lines for showing; a line too long to hold is given in pieces. Does not interpret them.

/// Longest piece given as one line.
const LONGEST: usize = 16 << 10;

/// The unfinished line of one stream.
#[derive(Debug, Default)]
pub struct Lines {
    held: Vec<u8>,
}

impl Lines {
    /// Gives every line that `bytes` finish, without its newline.
    pub fn push(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let line = &rest[..end];
            if self.held.is_empty() {
                pieces(line, each);
            } else {
                self.held.extend_from_slice(line);
                pieces(&self.held, each);
                self.held.clear();
            }
            rest = &rest[end + 1..];
        }
        self.held.extend_from_slice(rest);
        while self.held.len() > LONGEST {
            each(&self.held[..LONGEST]);
            self.held.drain(..LONGEST);
        }
    }

    /// Gives the unfinished line, if there is one.
    pub fn finish(&mut self, each: &mut dyn FnMut(&[u8])) {
        if !self.held.is_empty() {
            each(&self.held);
            self.held.clear();
        }
    }
}

fn pieces(line: &[u8], each: &mut dyn FnMut(&[u8])) {
    if line.is_empty() {
        each(line);
    }
    line.chunks(LONGEST).for_each(each);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut all) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece, &mut |line| all.push(line.to_vec()));
        }
        lines.finish(&mut |line| all.push(line.to_vec()));
        all
    }

    #[test]
    fn lines_are_whole_whatever_the_pieces() {
        assert_eq!(
            lines_of(&[b"a\n", b"b", b"c\n\nd"]),
            [b"a".to_vec(), b"bc".to_vec(), vec![], b"d".to_vec()]
        );
    }

    #[test]
    fn an_endless_line_is_given_in_pieces() {
        let long = vec![b'x'; LONGEST * 2 + 1];
        let all = lines_of(&[&long]);
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [LONGEST, LONGEST, 1]);
    }
}
