//! The pieces of one head, one attribute or one expression, with the space between them and where its line may break.
//! Writes no lines.

use super::pieces::{self, Piece, PieceKind};

/// How loosely an operator binds, the loosest first: a long expression breaks at its loosest operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    For,
    Else,
    Then,
    Or,
    And,
    Coalesce,
    Sum,
    Product,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Plain,
    Comma,
    /// The `=` that binds.
    Equals,
    Open,
    Close,
    Script,
    /// A line may end behind it.
    After(Rank),
    /// A line may begin with it.
    Before(Rank),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    pub text: &'a str,
    pub own_line: bool,
}

#[derive(Debug)]
pub struct Part<'a> {
    pub text: &'a str,
    pub role: Role,
    /// A space stands before it.
    pub gap: bool,
    pub width: usize,
    /// Index of the other bracket.
    pub partner: usize,
    /// What the brackets hold may end in a comma.
    pub may_end_in_comma: bool,
    /// A comma is written behind it, though none was in the text.
    pub comma: bool,
    /// Comments behind it.
    pub notes: Vec<Note<'a>>,
}

#[derive(Debug, Default)]
pub struct Head<'a> {
    pub parts: Vec<Part<'a>>,
    /// How many of the parts are the keyword, and its width.
    pub keyword: usize,
    pub keyword_width: usize,
    /// Sums over all parts before an index: widths with gaps, comments, scripts.
    pub widths: Vec<usize>,
    pub notes: Vec<usize>,
    pub scripts: Vec<usize>,
}

/// An expression as it is written in the one style, on one line, whatever lines and spaces its author chose.
pub fn one_line(text: &str) -> String {
    let head = Head::new(&pieces::read(text), 0);
    if head.scripts.last().is_some_and(|scripts| *scripts > 0) {
        return text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let mut line = String::with_capacity(text.len());
    for part in &head.parts {
        line.push_str(if part.gap { " " } else { "" });
        line.push_str(part.text);
    }
    line
}

impl<'a> Head<'a> {
    /// From a statement's pieces, those that end by `keyword_end` being its keyword.
    pub fn new(pieces: &[Piece<'a>], keyword_end: usize) -> Self {
        let mut row =
            Row { parts: Vec::with_capacity(pieces.len()), levels: vec![Level::default()], last: None };
        for (index, piece) in pieces.iter().enumerate() {
            let next = pieces[index + 1..].iter().find(|next| !is_comment(next));
            row.piece(piece, next, keyword_end);
        }
        row.close_range();
        let mut head = Head { parts: row.parts, ..Head::default() };
        head.keyword = pieces.iter().take_while(|piece| piece.end() <= keyword_end).count();
        head.measure();
        head.keyword_width = head.widths[head.keyword.min(head.parts.len())];
        head
    }

    fn measure(&mut self) {
        let (mut width, mut notes, mut scripts) = (0, 0, 0);
        for part in &self.parts {
            self.widths.push(width);
            self.notes.push(notes);
            self.scripts.push(scripts);
            width += part.width + usize::from(part.gap);
            notes += part.notes.len();
            scripts += usize::from(part.role == Role::Script);
        }
        self.widths.push(width);
        self.notes.push(notes);
        self.scripts.push(scripts);
    }

    /// Width of `from..to` on one line, without the gap before it.
    pub fn width(&self, from: usize, to: usize) -> usize {
        let gap = self.parts.get(from).is_some_and(|part| part.gap);
        (self.widths[to] - self.widths[from]).saturating_sub(usize::from(gap))
    }

    /// Its width on one line; none when comments or a script need more.
    pub fn flat(&self) -> Option<usize> {
        let end = self.parts.len();
        (self.notes[end] == 0 && self.scripts[end] == 0).then(|| self.width(0, end))
    }

    /// Something stands behind the keyword that is no clause, as far as one can see without a keyword table.
    pub fn has_operand(&self) -> bool {
        self.parts.get(self.keyword).is_some_and(|part| !is_clause_word(part.text))
    }

    /// One quoted title and nothing else: `group "release-managers" { … }`.
    pub fn is_title(&self) -> bool {
        self.parts.len() == self.keyword + 1 && self.parts[self.keyword].text.starts_with('"')
    }
}

/// One bracket level of the head.
#[derive(Default)]
struct Level {
    open: Option<usize>,
    /// Between `:` and `=`: names of types, whose `<` and `>` are brackets.
    types: bool,
    angles: usize,
    /// A `for` was met: the list is a comprehension.
    comprehension: bool,
    /// `..` since the last looser operator, and whether its ends are more than single values.
    ranges: Vec<usize>,
    calculated: bool,
}

/// What the piece before leaves open.
#[derive(Clone, Copy)]
struct Last {
    end: usize,
    /// A value ends here: brackets that touch it belong to it.
    value: bool,
    /// What follows stands close.
    close: bool,
    dot: bool,
}

struct Row<'a> {
    parts: Vec<Part<'a>>,
    levels: Vec<Level>,
    last: Option<Last>,
}

/// How a piece behaves beside others.
struct Manner {
    role: Role,
    /// No space before it.
    close_before: bool,
    close_after: bool,
    value: bool,
}

const OPERAND: Manner = Manner { role: Role::Plain, close_before: false, close_after: false, value: true };
const WORD: Manner = Manner { value: false, ..OPERAND };

impl<'a> Row<'a> {
    fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    fn piece(&mut self, piece: &Piece<'a>, next: Option<&Piece<'a>>, keyword_end: usize) {
        let text = piece.text;
        if let PieceKind::Comment { own_line } = piece.kind {
            return self.note(vec![Note { text, own_line }]);
        }
        // `list<int>=x` is read as `>` and `=`.
        if text == ">=" && self.level().types {
            let (first, second) = text.split_at(1);
            self.piece(&Piece { text: first, ..*piece }, None, keyword_end);
            return self.piece(&Piece { text: second, start: piece.start + 1, ..*piece }, next, keyword_end);
        }
        match piece.kind {
            PieceKind::Open => self.open(piece),
            PieceKind::Close => self.close(piece),
            PieceKind::Comma => self.comma(piece),
            _ => {
                let manner = self.manner(piece, next, keyword_end);
                let notes = if manner.role == Role::Equals { self.take_notes() } else { Vec::new() };
                self.push(piece, manner);
                self.note(notes);
            }
        }
    }

    fn push(&mut self, piece: &Piece<'a>, manner: Manner) {
        let Manner { role, close_before, close_after, value } = manner;
        let gap = self.last.is_some_and(|last| !last.close) && !close_before;
        let text = piece.text;
        let width = if role == Role::Script { 0 } else { text.chars().count() };
        self.parts.push(Part {
            text,
            role,
            gap,
            width,
            partner: self.parts.len(),
            may_end_in_comma: false,
            comma: false,
            notes: Vec::new(),
        });
        self.last = Some(Last { end: piece.end(), value, close: close_after, dot: text == "." });
    }

    fn open(&mut self, piece: &Piece<'a>) {
        let touches = self.last.is_some_and(|last| last.value && last.end == piece.start);
        let index = self.parts.len();
        self.push(piece, Manner { role: Role::Open, close_before: touches, close_after: true, value: false });
        // A call or a list, as opposed to a group or an index.
        self.parts[index].may_end_in_comma = touches == (piece.text == "(");
        self.levels.push(Level { open: Some(index), ..Level::default() });
    }

    fn close(&mut self, piece: &Piece<'a>) {
        self.close_range();
        self.drop_last_comma();
        let level = self.levels.pop().unwrap_or_default();
        let index = self.parts.len();
        self.push(piece, Manner { role: Role::Close, close_before: true, ..OPERAND });
        if let Some(open) = level.open {
            self.parts[open].partner = index;
            self.parts[index].partner = open;
            self.parts[open].may_end_in_comma &= !level.comprehension && open + 1 < index;
        }
    }

    /// The comma before a closing bracket is the layout's to write; its comments stay where they were.
    fn drop_last_comma(&mut self) {
        if let Some(comma) = self.parts.pop_if(|part| part.role == Role::Comma) {
            self.note(comma.notes);
        }
    }

    /// Comments between an item and its comma, or a name and its `=`, move behind those, so that no line begins with
    /// one.
    fn comma(&mut self, piece: &Piece<'a>) {
        self.close_range();
        let level = self.level();
        level.types &= level.angles > 0;
        let notes = self.take_notes();
        self.push(piece, Manner { role: Role::Comma, close_before: true, ..WORD });
        self.note(notes);
    }

    fn take_notes(&mut self) -> Vec<Note<'a>> {
        self.parts.last_mut().map(|part| std::mem::take(&mut part.notes)).unwrap_or_default()
    }

    fn note(&mut self, notes: Vec<Note<'a>>) {
        if let Some(part) = self.parts.last_mut() {
            part.notes.extend(notes);
        }
    }

    fn manner(&mut self, piece: &Piece<'a>, next: Option<&Piece<'a>>, keyword_end: usize) -> Manner {
        match piece.kind {
            PieceKind::Operator => self.operator(piece.text),
            PieceKind::At => Manner { close_after: true, ..WORD },
            PieceKind::Script => Manner { role: Role::Script, ..OPERAND },
            PieceKind::Word if piece.end() <= keyword_end => WORD,
            PieceKind::Word => self.word(piece.text, next),
            _ => OPERAND,
        }
    }

    fn word(&mut self, text: &str, next: Option<&Piece<'a>>) -> Manner {
        let named = self.levels.len() > 1 && next.is_some_and(|next| next.text == "=");
        let after = self.last.is_some_and(|last| last.value);
        if named || self.level().types || self.last.is_some_and(|last| last.dot) {
            return OPERAND;
        }
        let role = match text {
            "or" => Role::After(Rank::Or),
            "and" => Role::After(Rank::And),
            "then" => Role::After(Rank::Then),
            "else" => Role::After(Rank::Else),
            "for" => {
                self.level().comprehension = true;
                Role::Before(Rank::For)
            }
            // `[e for x in xs if c]`, not the `if` of a value.
            "if" if after && self.level().comprehension => Role::Before(Rank::For),
            "not" | "in" | "matches" | "like" => Role::Plain,
            _ if is_clause_word(text) => Role::Plain,
            _ => return OPERAND,
        };
        if !after && !self.level().ranges.is_empty() {
            self.level().calculated = true;
            self.last = self.last.map(|last| Last { close: false, ..last });
        }
        self.close_range();
        Manner { role, ..WORD }
    }

    fn operator(&mut self, text: &str) -> Manner {
        let types = self.level().types;
        let tight = Manner { close_before: true, close_after: true, ..WORD };
        match text {
            "." => tight,
            "..." => Manner { close_after: true, ..WORD },
            "?" | "%" => Manner { close_before: true, ..OPERAND },
            ":" => {
                self.level().types = true;
                Manner { close_before: true, ..WORD }
            }
            "<" if types => {
                self.level().angles += 1;
                tight
            }
            ">" if types => {
                let level = self.level();
                level.angles = level.angles.saturating_sub(1);
                Manner { close_before: true, ..OPERAND }
            }
            ".." => {
                let index = self.parts.len();
                self.level().ranges.push(index);
                tight
            }
            "??" => self.calculation(Rank::Coalesce),
            "+" | "-" => self.calculation(Rank::Sum),
            "*" | "/" => self.calculation(Rank::Product),
            "=" => {
                self.close_range();
                self.level().types = false;
                Manner { role: Role::Equals, ..WORD }
            }
            _ => {
                self.close_range();
                WORD
            }
        }
    }

    fn calculation(&mut self, rank: Rank) -> Manner {
        self.level().calculated = true;
        Manner { role: Role::After(rank), ..WORD }
    }

    /// `2s..30s` stands close; between calculations `..` has spaces, since it binds looser than they.
    fn close_range(&mut self) {
        let level = self.level();
        let ranges = std::mem::take(&mut level.ranges);
        if std::mem::take(&mut level.calculated) {
            for index in ranges {
                self.parts.iter_mut().skip(index).take(2).for_each(|part| part.gap = true);
            }
        }
    }
}

fn is_comment(piece: &Piece<'_>) -> bool {
    matches!(piece.kind, PieceKind::Comment { .. })
}

fn is_clause_word(text: &str) -> bool {
    ["if", "from", "by", "on", "as", "with", "before", "because"].contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_stand_where_the_style_has_them() {
        for (text, wanted) in [
            ("( a==1 )and not(b)", "(a == 1) and not (b)"),
            ("f( 1,k=2 , )[ 0 ].c", "f(1, k = 2)[0].c"),
            ("exit in[6,7]", "exit in [6, 7]"),
            ("2s .. 30s", "2s..30s"),
            ("a + 1..b", "a + 1 .. b"),
            ("[1..2,a ??b..c]", "[1..2, a ?? b .. c]"),
            ("x.if(1)", "x.if(1)"),
            ("70% <1.5", "70% < 1.5"),
            ("[...xs , f\"{ a }\"]", "[...xs, f\"{ a }\"]"),
            ("a?..b  # c\n", "a?..b"),
            ("1..if a then 2 else 3", "1 .. if a then 2 else 3"),
        ] {
            assert_eq!(one_line(text), wanted);
        }
    }
}
