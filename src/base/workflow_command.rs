//! Text inside the commands that a GitHub runner reads from output. Knows no command.

/// What follows `::` at the end: nothing in it ends the line.
pub fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which must not end it either.
pub fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
