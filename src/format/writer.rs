//! The text being written, line by line: indentation, trailing comments, blank lines. Decides nothing of the layout.

/// Columns in which a comment behind code begins, if the code leaves two spaces before; else two spaces behind it.
const COMMENT_COLUMNS: [usize; 2] = [45, 57];

#[derive(Debug, Default)]
pub(super) struct Writer<'a> {
    out: String,
    column: usize,
    /// Indentation of the line being written.
    line_indent: usize,
    /// A line end is due; what comes next is indented so far.
    pending: Option<usize>,
    blank: bool,
    /// Comments that stand on lines of their own before what comes next.
    notes: Vec<&'a str>,
}

impl<'a> Writer<'a> {
    /// What comes next begins a line.
    pub fn newline(&mut self, indent: usize) {
        self.pending = Some(indent);
    }

    /// What comes next has an empty line before it.
    pub fn blank_line(&mut self) {
        self.blank = true;
    }

    /// Where the next character would stand, `gap` being the space before it.
    pub fn column(&self, gap: bool) -> usize {
        match self.pending {
            Some(indent) => indent,
            None if gap && !self.out.ends_with(' ') => self.column + 1,
            None => self.column,
        }
    }

    pub fn line_indent(&self) -> usize {
        self.pending.unwrap_or(self.line_indent)
    }

    pub fn word(&mut self, gap: bool, text: &str, width: usize) {
        if gap {
            self.space();
        }
        self.break_line();
        self.raw(text, width);
    }

    /// A space, unless there is one.
    pub fn space(&mut self) {
        if self.pending.is_none() && !self.out.ends_with(' ') {
            self.raw(" ", 1);
        }
    }

    /// Spaces up to a column of this line.
    pub fn pad(&mut self, column: usize) {
        while self.column < column {
            self.raw(" ", 1);
        }
    }

    /// A line exactly as it is, such as one of a script.
    pub fn line(&mut self, indent: usize, text: &str) {
        self.out.push('\n');
        self.column = 0;
        if !text.is_empty() {
            self.raw_indent(indent);
            self.raw(text, text.chars().count());
        }
    }

    /// A comment behind what was written last; nothing else fits on its line.
    pub fn trailing(&mut self, comment: &str, indent: usize) {
        let stop = COMMENT_COLUMNS.iter().find(|stop| self.column + 2 <= **stop);
        self.pad(stop.copied().unwrap_or(self.column + 2));
        self.raw(comment, 0);
        self.newline(indent);
    }

    /// A comment on a line of its own before what comes next, wherever that is indented.
    pub fn note(&mut self, comment: &'a str, indent: usize) {
        self.notes.push(comment);
        self.pending = self.pending.or(Some(indent));
    }

    /// Writes the comments that wait, at this indentation.
    pub fn flush_notes(&mut self, indent: usize) {
        if let Some(last) = self.notes.pop() {
            self.newline(indent);
            self.word(false, last, 0);
            self.newline(indent);
        }
    }

    /// The whole text, its last line ended.
    pub fn finish(mut self) -> String {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.out
    }

    fn raw(&mut self, text: &str, width: usize) {
        self.out.push_str(text);
        self.column += width;
    }

    fn raw_indent(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    fn break_line(&mut self) {
        let Some(indent) = self.pending.take() else { return };
        if self.blank && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.blank = false;
        for note in std::mem::take(&mut self.notes) {
            self.start_line(indent);
            self.raw(note, 0);
        }
        self.start_line(indent);
        self.line_indent = indent;
    }

    fn start_line(&mut self, indent: usize) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
        self.raw_indent(indent);
    }
}
