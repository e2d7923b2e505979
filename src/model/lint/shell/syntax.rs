//! E801: what the shell would only find when the stage runs.

use crate::diag::{Diagnostic, codes};

use super::{Context, Script};

pub(super) fn refused(_: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    for script in scripts {
        let Some(fault) = &script.fault else { continue };
        let finding = Diagnostic::new(&codes::E801, script.places.span(&fault.at), &fault.message);
        found.push(finding.help_if((!fault.help.is_empty()).then(|| fault.help.clone())));
    }
}
