//! A model as bytes that are kept and read back: damaged ones and those of another version are none, never an error, for a
//! model can always be worked out again. Knows no store.

use super::model::{Model, VERSION};

/// "wflm", and the form of what follows.
const MAGIC: [u8; 8] = *b"wflm\0\0\0\x01";
const HASH: usize = 32;
/// No snapshot is larger; one that would be is not kept.
pub const MOST: usize = 20 << 20;

/// None where it would be too large to keep.
pub fn write(model: &Model) -> Option<Vec<u8>> {
    let body = postcard::to_stdvec(model).ok()?;
    let mut bytes = Vec::with_capacity(MAGIC.len() + 4 + HASH + body.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(blake3::hash(&body).as_bytes());
    bytes.extend(body);
    (bytes.len() <= MOST).then_some(bytes)
}

/// None for anything that this program did not write just so.
pub fn read(bytes: &[u8]) -> Option<Model> {
    let rest = bytes.strip_prefix(&MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
    let (hash, body) = rest.split_at_checked(HASH)?;
    if blake3::hash(body).as_bytes() != hash {
        return None;
    }
    let mut model: Model = postcard::from_bytes(body).ok()?;
    model.restore().then_some(model)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::learned;
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_goes_on_alike() {
        let (model, runs) = learned(60);
        let mut back = read(&write(&model).unwrap()).unwrap();
        assert_eq!(write(&back), write(&model));
        let mut on = model.clone();
        on.update(&runs[0]);
        back.update(&runs[0]);
        assert_eq!(write(&back), write(&on));
    }

    #[test]
    fn a_flipped_bit_a_missing_end_and_another_version_are_no_model() {
        let good = write(&learned(60).0).unwrap();
        assert!(read(&good).is_some());
        for at in [0, 8, 20, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(read(&bad).is_none(), "byte {at}");
        }
        assert!(read(&good[..good.len() - 1]).is_none() && read(b"").is_none());
    }
}
