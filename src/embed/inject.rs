//! The failures a user asks for by `WFL_INJECT`, checked against the plan before anything is stored or started.

use crate::exec::inject::{Injections, VARIABLE};
use crate::plan::Plan;

use super::Error;

/// What the environment of this process asks for.
pub(super) fn injections(plan: &Plan) -> Result<Injections, Error> {
    let Some(text) = std::env::var_os(VARIABLE) else { return Ok(Injections::default()) };
    let keys: Vec<&str> = plan.nodes.iter().map(|node| node.key.as_str()).collect();
    Injections::parse(&text.to_string_lossy(), &keys).map_err(|why| {
        let code = crate::diag::codes::E960.id;
        Error::refused(
            format!("{VARIABLE}: {why} [{code}]"),
            format!("write `{VARIABLE}=stage:class:count`, such as `build:exit:1`, or unset it"),
        )
    })
}
