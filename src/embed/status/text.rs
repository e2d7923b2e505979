//! The bytes of a file as text, whatever wrote them: byte order marks, UTF-16, NUL bytes and bytes that are no text are
//! taken out and told. Knows no JSON.

use super::finding::{Class, Finding, Severity};

/// The text, and what had to be left out of it.
pub(super) fn text_of(bytes: &[u8], findings: &mut Vec<Finding>) -> String {
    let mut told = |what: String, did: &str| {
        findings.push(Finding::mended(Class::InvalidText, Severity::Warning, "", what, did));
    };
    let mut text = match bytes {
        [0xff, 0xfe, rest @ ..] => {
            told("the file is UTF-16".into(), "read as UTF-16");
            wide(rest, u16::from_le_bytes)
        }
        [0xfe, 0xff, rest @ ..] => {
            told("the file is UTF-16".into(), "read as UTF-16");
            wide(rest, u16::from_be_bytes)
        }
        [0xef, 0xbb, 0xbf, rest @ ..] => {
            told("the file begins with a byte order mark".into(), "left it out");
            String::from_utf8_lossy(rest).into_owned()
        }
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    };
    if std::str::from_utf8(bytes).is_err() && !matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        told("some bytes are not UTF-8".into(), "put U+FFFD in their place");
    }
    let nul = text.matches('\0').count();
    if nul > 0 {
        told(format!("the file holds NUL bytes: {nul}"), "left them out");
        text.retain(|c| c != '\0');
    }
    text
}

fn wide(bytes: &[u8], pair: fn([u8; 2]) -> u16) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|two| pair([two[0], two[1]])).collect();
    String::from_utf16_lossy(&units)
}
