//! The built-in library's files, embedded. Holds nothing else.

/// Module name and text: one row a file of `stdlib/`. `std.retry` is `stdlib/retry.wfl`.
static MODULES: &[(&str, &str)] = &[
    ("change", include_str!("../../stdlib/change.wfl")),
    ("choice", include_str!("../../stdlib/choice.wfl")),
    ("help", include_str!("../../stdlib/help.wfl")),
    ("just", include_str!("../../stdlib/just.wfl")),
    ("lanes", include_str!("../../stdlib/lanes.wfl")),
    ("make", include_str!("../../stdlib/make.wfl")),
    ("method", include_str!("../../stdlib/method.wfl")),
    ("node", include_str!("../../stdlib/node.wfl")),
    ("python", include_str!("../../stdlib/python.wfl")),
    ("repair", include_str!("../../stdlib/repair.wfl")),
    ("retry", include_str!("../../stdlib/retry.wfl")),
    ("rust", include_str!("../../stdlib/rust.wfl")),
    ("shell", include_str!("../../stdlib/shell.wfl")),
];

/// Every module of the built-in library: its name without `std.`, and its text.
pub fn std_modules() -> &'static [(&'static str, &'static str)] {
    MODULES
}
