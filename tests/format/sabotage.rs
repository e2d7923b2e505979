//! The properties themselves: a result that is wrong in one way is caught by the property that is there for it.

use super::properties::{self, COMMENTS, MODEL, PARSES, Property, STABLE, Side, TIDY, TREE};

/// Spoils a formatted text; none when it has nothing to spoil.
type Spoil = fn(&str) -> Option<String>;

fn drop_comment(text: &str) -> Option<String> {
    let at = text.find("comment 1\n")?;
    let start = text[..at].rfind('#')?;
    let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
    Some(format!("{}{}", &text[..start], &text[end..]))
}

fn swap_comments(text: &str) -> Option<String> {
    let (one, two) = ("comment 1\n", "comment 2\n");
    (text.contains(one) && text.contains(two))
        .then(|| text.replace(one, "comment X\n").replace(two, one).replace("comment X\n", two))
}

fn indent_script(text: &str) -> Option<String> {
    text.contains("  echo a\n").then(|| text.replacen("  echo a\n", "   echo a\n", 1))
}

fn swap_operands(text: &str) -> Option<String> {
    text.contains("\"src/**\", \"").then(|| text.replacen("\"src/**\", \"", "\"x\", \"src/**", 1))
}

fn change_number(text: &str) -> Option<String> {
    let policy = "retry retry-0 { attempts 2 }";
    text.contains(policy).then(|| text.replacen(policy, "retry retry-0 { attempts 3 }", 1))
}

fn change_argument(text: &str) -> Option<String> {
    text.contains("exec \"true\"").then(|| text.replacen("exec \"true\"", "exec \"tru\"", 1))
}

fn drop_brace(text: &str) -> Option<String> {
    text.rfind('}').map(|at| format!("{}{}", &text[..at], &text[at + 1..]))
}

fn drop_statement(text: &str) -> Option<String> {
    let at = text.find("\n  exec \"true\"\n")?;
    Some(format!("{}{}", &text[..at], &text[at + 14..]))
}

fn blank_lines(text: &str) -> Option<String> {
    text.contains("}\n").then(|| text.replacen("}\n", "}\n\n\n", 1) + "# end\n")
}

fn double_space(text: &str) -> Option<String> {
    text.contains(" = ").then(|| text.replacen(" = ", "  = ", 1))
}

const SABOTAGE: [(&str, Spoil, (&str, Property)); 10] = [
    ("a comment is lost", drop_comment, COMMENTS),
    ("comments change places", swap_comments, COMMENTS),
    ("a script's line moves", indent_script, TREE),
    ("an argument changes", change_argument, MODEL),
    ("operands change", swap_operands, TREE),
    ("a number changes", change_number, MODEL),
    ("a brace is lost", drop_brace, PARSES),
    ("a statement is lost", drop_statement, TREE),
    ("empty lines stay", blank_lines, TIDY),
    ("a space too many", double_space, STABLE),
];

#[test]
fn each_property_catches_what_it_is_there_for() {
    let mut caught = vec![0; SABOTAGE.len()];
    for seed in 1..250 {
        let (text, _) = properties::sample(seed);
        let Ok(formatted) = properties::format(&text) else { panic!("seed {seed} is refused") };
        let before = Side::new(text);
        for (index, (what, spoil, (name, property))) in SABOTAGE.iter().enumerate() {
            let Some(spoilt) = spoil(&formatted).filter(|spoilt| *spoilt != formatted && caught[index] < 5)
            else {
                continue;
            };
            let after = Side::new(spoilt);
            assert!(property(&before, &after).is_err(), "seed {seed}: {what}, yet {name}\n{}", after.text);
            caught[index] += 1;
        }
    }
    for ((what, ..), count) in SABOTAGE.iter().zip(caught) {
        assert!(count >= 3, "{what}: tried only {count} times");
    }
}
