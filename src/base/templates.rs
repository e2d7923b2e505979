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
    ("phases/backlog.md", include_str!("../../stdlib/templates/phases/backlog.md.jinja")),
    ("phases/brief.md", include_str!("../../stdlib/templates/phases/brief.md.jinja")),
    ("phases/contract.md", include_str!("../../stdlib/templates/phases/contract.md.jinja")),
    ("phases/decision.md", include_str!("../../stdlib/templates/phases/decision.md.jinja")),
    ("phases/design.md", include_str!("../../stdlib/templates/phases/design.md.jinja")),
    ("phases/features.md", include_str!("../../stdlib/templates/phases/features.md.jinja")),
    ("phases/implementation.md", include_str!("../../stdlib/templates/phases/implementation.md.jinja")),
    ("phases/launch.md", include_str!("../../stdlib/templates/phases/launch.md.jinja")),
    ("phases/metrics.md", include_str!("../../stdlib/templates/phases/metrics.md.jinja")),
    ("phases/monitoring.md", include_str!("../../stdlib/templates/phases/monitoring.md.jinja")),
    ("phases/next.md", include_str!("../../stdlib/templates/phases/next.md.jinja")),
    ("phases/principles.md", include_str!("../../stdlib/templates/phases/principles.md.jinja")),
    ("phases/retrospective.md", include_str!("../../stdlib/templates/phases/retrospective.md.jinja")),
    ("phases/runbook.md", include_str!("../../stdlib/templates/phases/runbook.md.jinja")),
    ("phases/story.md", include_str!("../../stdlib/templates/phases/story.md.jinja")),
    ("phases/test-plan.md", include_str!("../../stdlib/templates/phases/test-plan.md.jinja")),
    ("tdd-cycle.md", include_str!("../../stdlib/templates/tdd-cycle.md.jinja")),
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
