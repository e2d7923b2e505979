//! Bytes → text, or the place where they stop being text. Reads no file.

use crate::base::{FileId, SourceFile, SourceMap, Span};
use crate::diag::{Diagnostic, codes};

use super::files::MAX_BYTES;

/// Adds the file to `sources`. A file that is not text is there as far as it is, with the reason.
pub fn add(sources: &mut SourceMap, shown: String, bytes: Vec<u8>) -> Result<FileId, Box<Diagnostic>> {
    if bytes.len() as u64 > MAX_BYTES {
        let file = sources.add(SourceFile::new(shown, ""));
        let message = format!("the file is larger than {} MiB", MAX_BYTES >> 20);
        return Err(refuse(file, 0, message, "a `.wfl` file is text that a person can read; split it"));
    }
    let (text, why) = match String::from_utf8(bytes) {
        Ok(text) => (text, "holds a NUL byte"),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let mut bytes = error.into_bytes();
            bytes.truncate(valid);
            let text = String::from_utf8(bytes).unwrap_or_default();
            return Err(cut(sources, shown, text, valid, "is not UTF-8 from here on"));
        }
    };
    if let Some(nul) = text.find('\0') {
        return Err(cut(sources, shown, text, nul, why));
    }
    let text = match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    };
    Ok(sources.add(SourceFile::new(shown, text)))
}

/// A NUL before the place where UTF-8 ends is what a person should hear of.
fn cut(sources: &mut SourceMap, shown: String, mut text: String, at: usize, why: &str) -> Box<Diagnostic> {
    let (at, why) = match text.find('\0') {
        Some(nul) => (nul, "holds a NUL byte"),
        None => (at, why),
    };
    text.truncate(at);
    let file = sources.add(SourceFile::new(shown, text));
    let help = "save it as UTF-8 text; if it is a program or an archive, it is not a `.wfl` file";
    refuse(file, at, format!("the file {why}"), help)
}

fn refuse(file: FileId, at: usize, message: String, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(&codes::E012, Span::new(file, at, at), message).label("here").help(help))
}
