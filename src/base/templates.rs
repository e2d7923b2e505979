//! The built-in library's templates, embedded: `std:NAME` in a `render` names one. A file of the project with the same
//! name goes before it. Fills none.

/// What the name of a built-in template begins with.
const PREFIX: &str = "std:";

/// Name and text: one row a file of `stdlib/templates/`.
static TEMPLATES: &[(&str, &str)] = &[
    ("proposal.md", include_str!("../../stdlib/templates/proposal.md.jinja")),
    ("spec.md", include_str!("../../stdlib/templates/spec.md.jinja")),
    ("tasks.md", include_str!("../../stdlib/templates/tasks.md.jinja")),
    ("test-plan.md", include_str!("../../stdlib/templates/test-plan.md.jinja")),
];

/// The name behind `std:`; none for a path of the project.
pub fn name(path: &str) -> Option<&str> {
    path.strip_prefix(PREFIX)
}

/// The text of a built-in template.
pub fn text(name: &str) -> Option<&'static str> {
    TEMPLATES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Names of all built-in templates, without `std:`.
pub fn names() -> impl Iterator<Item = &'static str> {
    TEMPLATES.iter().map(|(name, _)| *name)
}

/// Where a project puts its own in place of a built-in one, relative to its root.
pub fn own(name: &str) -> String {
    format!(".wfl/templates/{name}.jinja")
}
