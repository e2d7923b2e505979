//! The grammar of one head line, and every rule's name in people's words. Holds no logic of its own.

use pest_derive::Parser;

#[derive(Parser)]
#[grammar = "../grammar/wfl.pest"]
pub(super) struct Grammar;

/// What a rule means to a person; none for rules that say nothing a person could act on.
///
/// The match is exhaustive so that a new rule does not compile without a decision.
pub(super) fn words(rule: Rule) -> Option<&'static str> {
    match rule {
        Rule::head => Some("a keyword"),
        Rule::kind => Some("a type"),
        Rule::clause | Rule::clause_word => Some("a clause"),
        Rule::operator => Some("an operator"),
        Rule::word_then => Some("`then`"),
        Rule::word_else => Some("`else`"),
        Rule::word_in => Some("`in`"),
        Rule::parameter => Some("a parameter"),
        Rule::argument => Some("an argument"),
        Rule::any_name => Some("a name"),
        Rule::name
        | Rule::expression
        | Rule::postfix
        | Rule::operand
        | Rule::term
        | Rule::primary
        | Rule::string
        | Rule::number
        | Rule::list
        | Rule::group
        | Rule::format
        | Rule::script
        | Rule::spread
        | Rule::conditional
        | Rule::interpolation => Some("a value"),
        Rule::EOI => Some("the end of the statement"),
        Rule::s
        | Rule::batch
        | Rule::ends
        | Rule::simple
        | Rule::full
        | Rule::skipped
        | Rule::atom
        | Rule::word
        | Rule::tagged
        | Rule::statement
        | Rule::salvage
        | Rule::attribute
        | Rule::assign
        | Rule::bind
        | Rule::plain
        | Rule::signature
        | Rule::equals
        | Rule::negation
        | Rule::word_if
        | Rule::word_for
        | Rule::member
        | Rule::call
        | Rule::index
        | Rule::optional
        | Rule::generator
        | Rule::chunk
        | Rule::name_start
        | Rule::name_rest
        | Rule::operator_word
        | Rule::reserved => None,
    }
}
