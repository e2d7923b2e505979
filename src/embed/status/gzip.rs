//! Files that gzip made, unpacked, so that an archived status file can be read as it lies. What is
//! damaged gives what comes before the damage. Knows no status.

use std::io::{ErrorKind, Read};

use flate2::read::MultiGzDecoder;

/// No more than this is made of a file, however small it is.
const MOST: u64 = 64 << 20;

/// What a file held, and what was wrong with it.
pub(super) struct Unpacked {
    pub bytes: Vec<u8>,
    pub wrong: Option<&'static str>,
}

pub(super) fn is_packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b, 8])
}

/// All members of the file, one after the other.
pub(super) fn unpack(bytes: &[u8]) -> Unpacked {
    let mut reader = MultiGzDecoder::new(bytes).take(MOST + 1);
    let mut out = Vec::new();
    // What was read before the damage stays in `out`.
    let read = reader.read_to_end(&mut out);
    let wrong = match read {
        Err(e) if e.kind() == ErrorKind::UnexpectedEof => Some("it is cut off"),
        Err(_) => Some("its content does not fit its checksum, or is no gzip"),
        Ok(_) if out.len() as u64 > MOST => Some("it holds more than 64 MiB"),
        Ok(_) => None,
    };
    out.truncate(MOST as usize);
    Unpacked { bytes: out, wrong }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf 'abcabcabcabc\n' | gzip -n`.
    const SHORT: [u8; 26] = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c, 0x4a, 0x4e, 0x84, 0x21, 0x2e, 0, 0x0c, 0x9c, 0x39,
        0x13, 0x0d, 0, 0, 0,
    ];

    #[test]
    fn no_prefix_of_a_packed_file_breaks_anything() {
        for length in 0..SHORT.len() {
            let unpacked = unpack(&SHORT[..length]);
            assert!(b"abcabcabcabc\n".starts_with(&unpacked.bytes[..]), "{length}: {:?}", unpacked.bytes);
            assert!(unpacked.wrong.is_some(), "{length}");
        }
        let whole = unpack(&SHORT);
        assert_eq!((whole.bytes.as_slice(), whole.wrong), (&b"abcabcabcabc\n"[..], None));
        let twice = unpack(&[SHORT, SHORT].concat());
        assert_eq!((twice.bytes.len(), twice.wrong), (26, None));
    }
}
