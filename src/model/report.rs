//! Stub of the report: replaced at merge.
use crate::diag::Diagnostic;
#[derive(Default)]
pub struct Report {
    found: Vec<Diagnostic>,
}
impl Report {
    pub fn push(&mut self, d: Diagnostic) {
        self.found.push(d);
    }
    pub fn finish(self) -> Vec<Diagnostic> {
        self.found
    }
}
