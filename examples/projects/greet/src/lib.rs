//! Greetings in a few languages: a small crate for wfl to work on.

/// A greeting for `name`; an unknown language greets in English.
pub fn greeting(language: &str, name: &str) -> String {
    let word = match language {
        "de" => "Hallo",
        "fr" => "Bonjour",
        _ => "Hello",
    };
    format!("{word}, {name}!")
}

#[cfg(test)]
mod tests {
    use super::greeting;

    #[test]
    fn greets_in_german_and_french() {
        assert_eq!(greeting("de", "Ada"), "Hallo, Ada!");
        assert_eq!(greeting("fr", "Ada"), "Bonjour, Ada!");
    }

    #[test]
    fn falls_back_to_english() {
        assert_eq!(greeting("xx", "Ada"), "Hello, Ada!");
    }
}
