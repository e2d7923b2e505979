//! Signatures over the corpus: the same failure has one, different ones differ; whatever comes in, they are bounded, stable
//! and hold no credential. The twin takes the normaliser away.

use std::collections::BTreeMap;

use proptest::prelude::*;
use wfl::event::{AttemptStatus, FailureClass, Outcome};
use wfl::failure::{Failed, Signature, normalised, signature};

use super::corpus::{DIFFERENT, SAME};
use crate::run::fakes::outcome;

fn failed(stderr: &str) -> Outcome {
    let class = Some(FailureClass::Exit);
    Outcome { stderr: stderr.into(), class, ..outcome(AttemptStatus::Failed, Some(1)) }
}

fn of(program: &str, stderr: &str) -> Signature {
    signature(&Failed { outcome: &failed(stderr), program, stage: "unit" })
}

/// How many of the pairs come out as one, by what `key` makes of a failure.
fn alike(key: impl Fn(&str, &str) -> String) -> usize {
    let same = |(program, one, other): &&(&str, &str, &str)| key(program, one) == key(program, other);
    SAME.iter().filter(same).count()
}

fn pairwise_different(key: impl Fn(&str, &str) -> String) -> (usize, Vec<String>) {
    let mut by_key: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (program, text) in DIFFERENT {
        by_key.entry(key(program, text)).or_default().push(format!("{program}: {text}"));
    }
    let shared: Vec<String> = by_key.values().filter(|all| all.len() > 1).flatten().cloned().collect();
    (by_key.len(), shared)
}

#[test]
fn the_same_failure_has_one_signature() {
    assert!(SAME.len() >= 60);
    let split: Vec<String> = SAME
        .iter()
        .map(|(program, one, other)| (of(program, one), of(program, other)))
        .filter(|(one, other)| one.id != other.id)
        .map(|(one, other)| format!("{:?}\n{:?}", one.text, other.text))
        .collect();
    let well = SAME.len() - split.len();
    println!("same failure, one signature: {well} of {}", SAME.len());
    assert_eq!(well, SAME.len(), "{}", split.join("\n\n"));
}

#[test]
fn different_failures_have_different_signatures() {
    assert!(DIFFERENT.len() >= 60);
    let (apart, shared) = pairwise_different(|program, text| of(program, text).id);
    println!("different failures, own signatures: {apart} of {}", DIFFERENT.len());
    assert_eq!(apart, DIFFERENT.len(), "{}", shared.join("\n"));
}

/// The twins: without the normaliser pairs split; with one that keeps only the program different failures are one.
#[test]
fn without_the_normaliser_pairs_split_and_with_too_much_of_it_failures_merge() {
    let raw = alike(|program, text| format!("{program} {text}"));
    assert!(raw * 5 < SAME.len(), "{raw} of {} are alike as they stand", SAME.len());
    let (apart, _) = pairwise_different(|program, _| program.to_owned());
    assert!(apart * 3 < DIFFERENT.len(), "{apart}");
}

#[test]
fn codes_and_programs_stay_and_what_varies_goes() {
    let text = |stderr: &str| of("x", stderr).text;
    assert_eq!(text("error[E0308]: mismatched types"), "error[E0308]: mismatched types");
    assert_eq!(
        text("curl: (22) The requested URL returned error: 503"),
        "curl: (22) The requested URL returned error: 503"
    );
    assert_eq!(text("HTTP/1.1 429 Too Many Requests"), "HTTP 429 Too Many Requests");
    assert_eq!(
        text("error: cannot lock /run/x.pid (held by pid 17)"),
        "error: cannot lock <path> (held by pid <n>)"
    );
    assert_eq!(
        text("error: took 1m20s for 1.2 MB from 10.0.0.1:80"),
        "error: took <time> for <size> from <ip>"
    );
    assert_eq!(of("/usr/local/bin/python3.12", "x").program, "python");
    assert_eq!(of("cargo", "x").id.len(), 16);
    assert_ne!(of("cargo", "it broke").id, of("npm", "it broke").id);
}

#[test]
fn without_words_of_its_own_a_failure_is_its_stage_s() {
    let of = |stage: &str, outcome: &Outcome| signature(&Failed { outcome, program: "bash", stage });
    let silent = failed("");
    assert_eq!(of("unit", &silent).text, "stage `unit`: exit code 1");
    assert_ne!(of("unit", &silent).id, of("ship", &silent).id);
    let late = |ms: u64, stderr: &str| Outcome {
        class: Some(FailureClass::Timeout),
        error: Some(format!("timed out: `make` had {ms}ms and did not end")),
        stderr: stderr.into(),
        ..outcome(AttemptStatus::TimedOut, None)
    };
    assert_eq!(of("unit", &late(500, "at 10 %")).id, of("unit", &late(90_000, "compiling x")).id);
    let missing = Outcome {
        class: Some(FailureClass::NotStarted),
        error: Some("program not found: ruff".into()),
        ..outcome(AttemptStatus::Failed, None)
    };
    assert_eq!(of("unit", &missing).id, of("ship", &missing).id);
}

#[test]
fn credentials_never_stay() {
    let secrets = [
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "AKIAIOSFODNN7ABCDEFG",
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "9f86d081884c7d659a2feaa0c55ad015",
        "Zx81kQp92LmN7vTbQq",
        "hunter2hunter2",
    ];
    for secret in secrets {
        for text in [
            format!("error: password={secret} was refused"),
            format!("error: Authorization: Bearer {secret}"),
            format!("error: https://ada:{secret}@host.example/x?token={secret} is down"),
            format!("error: MY_TOKEN: \"{secret}\" is wrong"),
        ] {
            let shown = of("ship", &text).text;
            assert!(!shown.contains(secret), "{shown}");
            assert!(!shown.contains(&secret[..8]), "{shown}");
        }
    }
    for secret in &secrets[..5] {
        let shown = of("ship", &format!("error: {secret} is not known")).text;
        assert!(!shown.contains(&secret[..8]), "{shown}");
    }
}

#[test]
fn a_huge_text_is_bounded() {
    let line = format!("error: {}", "x/1 ".repeat(500_000));
    let many = "failed 12 of /a/b\n".repeat(4_000);
    for text in [line.as_str(), many.as_str(), &"\u{1b}[".repeat(30_000), &"<n>".repeat(20_000)] {
        assert!(of("x", text).text.chars().count() <= 512);
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "error: ",
        "/a/b",
        "12",
        "3f2a9c1d",
        "1.2.3",
        " ",
        "\n",
        "E0308",
        "10.0.0.1:80",
        "https://h/x?y",
        "<n>",
        "<path>",
        "2026-11-21T10:00:00Z",
        "1m20s",
        "token=",
        "abc",
        "-",
        ".",
        ":",
        "'",
        "src/a.rs:1:2",
        "tmpab12cd",
        "HTTP/1.1 429",
        "Traceback (most recent call last):\n",
        "KeyError: 'x'",
        "\u{1b}[31m",
        "ü",
        "\r",
        "5 MB",
        "@",
        "x=",
    ]);
    prop_oneof![".{0,80}", prop::collection::vec(pieces, 0..12).prop_map(|all| all.concat())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_normal_stays_as_it_is(text in any_text()) {
        let once = normalised(&text);
        prop_assert_eq!(&normalised(&once), &once);
    }

    #[test]
    fn the_signature_of_its_own_text_is_the_same(text in any_text()) {
        let first = of("x", &text);
        prop_assume!(!first.text.starts_with("stage `"));
        let second = of("x", &first.text);
        prop_assert_eq!(second.text, first.text);
        prop_assert_eq!(second.id, first.id);
    }

    #[test]
    fn any_bytes_have_a_signature(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes);
        let signature = of("x", &text);
        prop_assert!(signature.text.chars().count() <= 512);
        prop_assert_eq!(signature.id.len(), 16);
    }
}
