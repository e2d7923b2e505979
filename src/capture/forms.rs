//! The forms a secret takes when programs print it: as it is, in base64, hex, URLs, JSON and shell quotes.
//! Only makes the list; does not search.

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Encoded pieces shorter than this would mask ordinary text.
const SHORTEST_PIECE: usize = 6;
/// Where `base64` breaks its lines.
const WRAP: usize = 76;

/// Every form of `secret` to search for, longest first, without doubles.
pub fn forms(secret: &str) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![secret.as_bytes().to_vec(), secret.trim().as_bytes().to_vec()];
    // A secret of several lines (a key) is often printed line by line, indented or joined differently.
    let lines = secret.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_PIECE);
    all.extend(lines.map(|line| line.as_bytes().to_vec()));
    let trimmed = secret.trim();
    if trimmed.len() >= 3 {
        for text in [secret, trimmed] {
            all.extend(quoted(text).into_iter().map(String::into_bytes));
            all.extend(in_base64(text.as_bytes()));
            all.extend([
                hex(text.as_bytes(), b"0123456789abcdef"),
                hex(text.as_bytes(), b"0123456789ABCDEF"),
            ]);
        }
    }
    all.retain(|form| !form.is_empty());
    all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    all
}

/// Text forms: URL, form data, JSON with and without `\u` escapes, a shell's trace.
fn quoted(text: &str) -> Vec<String> {
    let json = serde_json::to_string(text).unwrap_or_default();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_string();
    vec![
        percent(text, true),
        percent(text, false),
        percent(text, true).replace("%20", "+"),
        ascii_json(&json),
        json.replace('/', "\\/"),
        json,
        text.replace('\'', r"'\''"),
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
    ]
}

fn percent(text: &str, upper: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte as char),
            _ if upper => encoded.push_str(&format!("%{byte:02X}")),
            _ => encoded.push_str(&format!("%{byte:02x}")),
        }
    }
    encoded
}

/// As writers of pure ASCII do: `é` becomes `\u00e9`.
fn ascii_json(json: &str) -> String {
    let mut text = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
    }
    text
}

/// Both alphabets: the whole secret, its wrapped lines, and the part that stays the same wherever the secret stands in
/// a longer text (`user:secret`), for each of the three positions.
fn in_base64(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for alphabet in [BASE64, URL_BASE64] {
        let whole = encode(bytes, alphabet);
        let wrapped = whole.chunks(WRAP).take(whole.len() / WRAP);
        all.extend(wrapped.map(<[u8]>::to_vec));
        all.extend(whole.get(whole.len() / WRAP * WRAP..).map(<[u8]>::to_vec));
        all.push(whole);
        for shift in 0..3 {
            let mut shifted = vec![0; shift];
            shifted.extend_from_slice(bytes);
            let text = encode(&shifted, alphabet);
            // Characters that also carry bits of the neighbours differ from place to place.
            let first = [0, 2, 3][shift];
            let last = shifted.len() / 3 * 4 + [0, 1, 2][shifted.len() % 3];
            all.extend(text.get(first..last).map(<[u8]>::to_vec));
        }
    }
    all.retain(|form| form.len() >= SHORTEST_PIECE);
    all
}

/// Base64 without padding.
fn encode(bytes: &[u8], alphabet: &[u8; 64]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len() * 4 / 3 + 3);
    for group in bytes.chunks(3) {
        let number = (u32::from(group[0]) << 16)
            | (u32::from(*group.get(1).unwrap_or(&0)) << 8)
            | u32::from(*group.get(2).unwrap_or(&0));
        for place in 0..=group.len() {
            text.push(alphabet[(number >> (18 - 6 * place)) as usize & 63]);
        }
    }
    text
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| [digits[usize::from(byte >> 4)], digits[usize::from(byte & 15)]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standard_one() {
        assert_eq!(encode(b"Man", BASE64), b"TWFu");
        assert_eq!(encode(b"Ma", BASE64), b"TWE");
        assert_eq!(encode(b"M", BASE64), b"TQ");
        assert_eq!(encode(&[0xfb, 0xff], URL_BASE64), b"-_8");
    }

    #[test]
    fn a_secret_inside_longer_base64_is_known_at_every_position() {
        let secret = "correct horse";
        let known = forms(secret);
        for before in ["", "u", "us", "user:"] {
            for after in ["", "\n", "!!", "tail"] {
                let text = encode(format!("{before}{secret}{after}").as_bytes(), BASE64);
                let found = known
                    .iter()
                    .any(|form| form.len() >= 12 && text.windows(form.len()).any(|part| part == form));
                assert!(found, "{before}…{after}");
            }
        }
    }
}
