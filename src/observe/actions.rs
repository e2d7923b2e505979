//! Workflow commands of GitHub Actions: groups and annotations of ours, and none of anybody else's. Pure text.

use crate::base::workflow_command::{data, property};

/// Writes commands. What stages wrote stands between [`Workflow::stop`] and [`Workflow::go_on`], where the runner
/// obeys nothing but a token that no stage knows.
#[derive(Clone, Debug)]
pub struct Workflow {
    token: String,
}

impl Workflow {
    /// `token` must be one that cannot be guessed.
    pub fn new(token: String) -> Self {
        Workflow { token }
    }

    pub fn stop(&self) -> String {
        format!("::stop-commands::{}", self.token)
    }

    pub fn go_on(&self) -> String {
        format!("::{}::", self.token)
    }

    pub fn group(&self, name: &str) -> String {
        format!("::group::{}", data(name))
    }

    pub fn end_group(&self) -> String {
        "::endgroup::".into()
    }

    /// `place` is `file:line`.
    pub fn error(&self, place: &str, title: &str, message: &str) -> String {
        let (file, line) = place.rsplit_once(':').unwrap_or((place, "1"));
        format!(
            "::error file={},line={},title={}::{}",
            property(file),
            property(line),
            property(title),
            data(message)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_or_message_ends_the_command() {
        let error = Workflow::new("t".into()).error("a,b.wfl:3", "x: y", "50%\n::error::forged");
        assert_eq!(error, "::error file=a%2Cb.wfl,line=3,title=x%3A y::50%25%0A::error::forged");
    }
}
