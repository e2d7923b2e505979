//! Secrets in the output of real processes: none may reach log, tail or sink, in any form.

use std::sync::{Arc, Mutex};

use wfl::capture::LineSink;
use wfl::exec::LocalExecutor;
use wfl::port::{AttemptSpec, Executor};

use super::{attempt, sh};

const SECRET: &str = "tok-7f3/a+b\"9 Zq";

/// Everything that was kept or shown of an attempt that prints the secret in many ways.
fn kept(mask: Vec<String>) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let text = "printf '%s\\n' \"$TOKEN\" >&2
        printf 'tok-7f3/'; sleep 0.05; printf 'a+b\"9 Zq\\n'
        printf '%s' \"$TOKEN\" | base64 >&2
        printf 'user:%s' \"$TOKEN\" | base64
        python3 -c 'import os,json,urllib.parse as u; t=os.environ[\"TOKEN\"]; print(json.dumps(t), u.quote(t, safe=\"\"), t.encode().hex())'
        i=0; while [ $i -lt 3000 ]; do echo \"filler $i $TOKEN\"; i=$((i+1)); done
        exit 1";
    let shown: Arc<Mutex<Vec<u8>>> = Arc::default();
    let sink: LineSink = {
        let shown = shown.clone();
        Arc::new(move |_, _, line: &[u8]| shown.lock().unwrap().extend_from_slice(line))
    };
    let spec = AttemptSpec {
        env: vec![("TOKEN".into(), SECRET.into())],
        mask,
        ..attempt(dir.path(), vec![sh(text)])
    };
    let outcome = LocalExecutor::new().with_sink(sink).run(&spec).unwrap();
    let log: Vec<u8> =
        wfl::capture::read_log(spec.log.as_ref().unwrap(), |_| true).unwrap().flat_map(|r| r.bytes).collect();
    [outcome.stderr.into_bytes(), b"\n".to_vec(), log, b"\n".to_vec(), shown.lock().unwrap().clone()].concat()
}

/// Parts of each form, long enough to be no accident.
const TRACES: &[&str] = &[
    "tok-7f3",
    "a+b\"9 Zq",
    "dG9rLTdm",             // base64
    "9rLTdmMy9hK2IiOSB",    // inside the base64 of user:…
    "a+b\\\"9 Zq",          // JSON
    "tok-7f3%2Fa%2Bb%229",  // URL
    "746f6b2d3766332f612b", // hex
];

fn traces(bytes: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(bytes);
    TRACES.iter().copied().filter(|trace| text.contains(trace)).collect()
}

#[test]
fn no_form_of_a_secret_is_kept_or_shown() {
    let kept = kept(vec![SECRET.into()]);
    assert_eq!(traces(&kept), Vec::<&str>::new());
    assert!(String::from_utf8_lossy(&kept).contains("filler 2999 ***"));
}

#[test]
fn the_twin_without_masking_shows_every_trace() {
    let found = traces(&kept(Vec::new()));
    assert!(found.len() >= TRACES.len() - 1, "{found:?}");
}
