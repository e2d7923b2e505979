//! Did-you-mean: the known words nearest to a misspelt one. Knows nothing of what the words name.

/// Up to three of `candidates` that a person plausibly meant by `word`, nearest first.
///
/// Nearness is the Damerau–Levenshtein distance, at most a third of the word's length (at least one edit);
/// a candidate that `word` is a prefix of counts as near too.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .filter_map(|candidate| distance(word, candidate, limit).map(|far| (far, candidate)))
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

fn distance(word: &str, candidate: &str, limit: usize) -> Option<usize> {
    if word.len() >= 3 && candidate.starts_with(word) {
        return Some(limit);
    }
    if word.len().abs_diff(candidate.len()) > limit * 4 {
        return None;
    }
    let far = strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase());
    (far <= limit).then_some(far)
}

/// ``did you mean `a`, `b` or `c`?`` — nothing when there is no candidate.
pub fn did_you_mean(names: &[&str]) -> Option<String> {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => None,
        Some((only, [])) => Some(format!("did you mean {only}?")),
        Some((last, rest)) => Some(format!("did you mean {} or {last}?", rest.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_come_first_and_far_ones_not_at_all() {
        assert_eq!(nearest("tiemout", ["timeout", "title", "needs"]), ["timeout"]);
        assert_eq!(nearest("zzz", ["timeout", "needs"]), Vec::<&str>::new());
        assert_eq!(did_you_mean(&["a", "b"]).as_deref(), Some("did you mean `a` or `b`?"));
    }
}
