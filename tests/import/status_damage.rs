//! Damaged status files: each ends as a valid record, every readable fact in it, and a second import changes nothing.

use proptest::prelude::{Strategy, any, proptest};
use serde_json::Value;
use wfl::embed::status::{Document, Imported, Severity, of_bytes};

use super::status_shapes::{ALL, CHECKPOINTS, RECOVERY, TRACKER, import, record};
use crate::faults::subject::Subject;

fn classes(imported: &Imported) -> Vec<&'static str> {
    imported.findings.iter().map(|finding| finding.class.word()).collect()
}

/// Imports what an import wrote: nothing may be repaired, and not a byte may change.
#[track_caller]
fn settled(document: &Document) {
    let text = document.text();
    let again = import(&text);
    assert_eq!(again.repairs(), 0, "{:?}\n{text}", again.findings);
    assert_eq!(again.document.expect("a record").text(), text);
}

#[test]
fn st_a_valid_state_has_no_errors_and_needs_no_repair() {
    let imported = import(RECOVERY);
    assert!(imported.findings.is_empty(), "{:?}", imported.findings);
    let record = record(RECOVERY);
    assert_eq!(record["completed"], serde_json::json!([0, 1, 2, 3, 4]));
    assert_eq!((&record["current_stage"], &record["next_stage"]), (&5.into(), &5.into()));
}

#[test]
fn st_each_damage_has_its_class() {
    let cases: [(&str, &[&str]); 8] = [
        ("{\"change_id\": \"test\",\n\"status\": \"running\",\n}", &["invalid_json", "missing_field"]),
        (r#"{"change_id": "test"}"#, &["missing_field"]),
        (r#"{"change_id": 123, "stage": "5"}"#, &["invalid_type", "missing_field"]),
        (
            r#"{"change_id": "a", "status": "running", "stage": 99, "timestamp": "2026-03-01"}"#,
            &["invalid_stage"],
        ),
        (
            r#"{"change_id": "a", "status": "invalid_status", "stage": 1, "timestamp": "2026-03-01"}"#,
            &["invalid_status"],
        ),
        (
            r#"{"change_id": "a", "status": "running", "stage": 1, "timestamp": "2026-03-01", "completed_stages": [1, 99]}"#,
            &["invalid_completed_stage"],
        ),
        (
            r#"{"change_id": "a", "status": "running", "stage": 1, "timestamp": "yesterday"}"#,
            &["invalid_time"],
        ),
        ("", &["invalid_json", "missing_field"]),
    ];
    for (text, expected) in cases {
        let imported = import(text);
        let found = classes(&imported);
        expected.iter().for_each(|class| assert!(found.contains(class), "no {class} in {found:?} of {text}"));
        assert!(
            imported.findings.iter().all(|finding| expected.contains(&finding.class.word())),
            "{found:?} {text}"
        );
        settled(imported.document.as_ref().expect("a record"));
    }
}

/// All that is missing is told, not the first alone.
#[test]
fn st_all_errors_are_told() {
    let imported = import(r#"{"change_id": "x", "completed_stages": ["1", 77, {"a": 1}]}"#);
    let places: Vec<&str> = imported.findings.iter().map(|finding| finding.place.as_str()).collect();
    for place in ["status", "stage", "timestamp", "completed_stages[0]", "completed_stages[1]"] {
        assert!(places.contains(&place), "no {place} in {places:?}");
    }
}

#[test]
fn unambiguous_values_are_read_and_others_kept() {
    let text = r#"{"change_id": 123, "status": "Done", "stage": "5", "timestamp": "2026-03-01", "completed_stages": ["1", 2.0, true]}"#;
    let record = record(text);
    assert_eq!(record["change_id"], "123");
    assert_eq!((&record["status"], &record["status_word"]), (&"completed".into(), &"Done".into()));
    assert_eq!(record["current_stage"], 5);
    assert_eq!(record["completed"], serde_json::json!([1, 2]));
    assert_eq!(record["other"]["completed_stages_out_of_range"], serde_json::json!([true]));
    let kept = self::record(
        r#"{"change_id": "x", "status": {"a": 1}, "stage": "five", "timestamp": [], "completed_stages": {"b": 2}}"#,
    );
    assert_eq!(kept["other"]["status"]["a"], 1);
    assert_eq!(kept["other"]["stage"], "five");
    assert_eq!(kept["other"]["completed_stages"]["b"], 2);
    assert_eq!(kept["status"], "unrecorded");
}

#[test]
fn stages_that_stand_twice_or_in_no_order_are_put_right_and_none_is_lost() {
    let text = r#"{"workflow_id": "w", "lane": "docs", "status": "RUNNING", "started_at": "2026-03-01T00:00:00", "stages": [
      {"stage_num": 3, "name": "c", "status": "COMPLETED"}, {"stage_num": 1, "name": "a", "status": "FAILED"},
      {"stage_num": 1, "name": "a", "status": "COMPLETED"}, {"stage_num": 13, "name": "beyond", "status": "COMPLETED"}]}"#;
    let imported = import(text);
    let found = classes(&imported);
    for class in ["stage_order", "duplicate_stage", "invalid_stage"] {
        assert!(found.contains(&class), "{found:?}");
    }
    let record = record(text);
    assert_eq!(record["completed"], serde_json::json!([1, 3]));
    assert_eq!(record["stages"][0]["attempts"], 2);
    assert_eq!(record["stages"][0]["earlier"][0]["status"], "failed");
    assert_eq!(record["other"]["stages_out_of_range"][0]["name"], "beyond");
    settled(&imported.document.expect("a record"));
}

#[test]
fn text_that_is_no_plain_text_is_read_all_the_same() {
    let wide: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(RECOVERY.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let broken = RECOVERY.as_bytes().iter().copied().chain([0xff, 0xfe, b' ']).collect::<Vec<u8>>();
    let files: [(&str, Vec<u8>); 4] = [
        ("a mark", [b"\xef\xbb\xbf", RECOVERY.as_bytes()].concat()),
        ("NUL bytes", [RECOVERY.as_bytes(), &[0; 512]].concat()),
        ("UTF-16", wide),
        ("no UTF-8", broken),
    ];
    for (what, bytes) in files {
        let imported = of_bytes("status.json", None, &bytes);
        assert!(classes(&imported).contains(&"invalid_text"), "{what}: {:?}", imported.findings);
        let document = imported.document.expect("a record");
        assert_eq!(document.records[0].change_id.as_deref(), Some("test-change-001"), "{what}");
        assert_eq!(document.records[0].completed, [0, 1, 2, 3, 4], "{what}");
        settled(&document);
    }
}

/// The damages a person or a crash does to JSON, each with what must still be read.
#[test]
fn every_complete_member_of_damaged_json_is_read() {
    let damaged = [
        r#"{"change_id": "a", "status": "running", "stage": 5, "completed_stages": [0, 1,], "timestamp": "2026-03-01",}"#,
        r#"{"change_id": "a" "status": "running", "stage": 5, "completed_stages": [0 1], "timestamp": "2026-03-01"}"#,
        r#"{'change_id': 'a', 'status': 'running', 'stage': 5, 'completed_stages': [0, 1], 'timestamp': '2026-03-01', 'x': None}"#,
        r#"{change_id: "a", status: running, stage: 5, completed_stages: [0, 1], timestamp: "2026-03-01"}"#,
        r#""change_id": "a", "status": "running", "stage": 5, "completed_stages": [0, 1], "timestamp": "2026-03-01"}"#,
        r#"{"change_id": "a", "status": "running"}, "stage": 5, "completed_stages": [0, 1], "timestamp": "2026-03-01"}"#,
        r#"{"change_id": "a", "status": "running", "stage": 5, "completed_stages": [0, 1, "timestamp": "2026-03-01""#,
        "{\"change_id\": \"a,\n\"status\": \"running\",\n\"stage\": 5, \"completed_stages\": [0, 1], \"timestamp\": \"2026-03-01\"}",
    ];
    for text in damaged {
        let imported = import(text);
        assert_eq!(imported.findings[0].class.word(), "invalid_json", "{text}: {:?}", imported.findings);
        let record = record(text);
        assert_eq!((&record["change_id"], &record["status"]), (&"a".into(), &"running".into()), "{text}");
        assert_eq!((&record["current_stage"], &record["completed"][0]), (&5.into(), &0.into()), "{text}");
        settled(&imported.document.expect("a record"));
    }
}

#[test]
fn a_name_that_stands_twice_loses_neither_value() {
    let imported = import(
        r#"{"change_id": "a", "status": "running", "status": "failed", "stage": 1, "timestamp": "2026-03-01"}"#,
    );
    let document = imported.document.expect("a record");
    assert_eq!(document.records[0].status.word(), "failed");
    assert!(document.unread.iter().any(|piece| piece.contains("running")), "{:?}", document.unread);
}

/// Long lists take no longer than their length, and no digit of a long number goes.
#[test]
fn what_is_large_is_read_to_its_bounds_and_kept_beyond_them() {
    let many: Vec<Value> = (0..12_000).map(|at| format!("phase {at}").into()).collect();
    let text = serde_json::json!({"change_id": "a", "status": "running", "stage": 1, "timestamp": "2026-03-01", "completed_stages": many});
    let record = record(&text.to_string());
    assert_eq!(record["stages"].as_array().map(Vec::len), Some(10_000));
    assert_eq!(record["other"]["completed_stages"].as_array().map(Vec::len), Some(2_000));
    let long = "123456789012345678901234567890";
    let text = RECOVERY.replacen('{', &format!("{{\"build\": {long}, "), 1);
    assert_eq!(self::record(&text)["other"]["build"], long);
}

/// Found by the damage below: an id of blanks was taken here and dropped the second time.
#[test]
fn names_of_blanks_name_nothing() {
    let line = r#"{"workflow_id": " ", "command": " ", "error_type": "x", "error_message": " "}"#;
    let document = import(line).document.expect("a record");
    assert_eq!((&document.records[0].workflow_id, &document.records[0].change_id), (&None, &None));
    settled(&document);
    settled(
        &import(r#"{"project_name": " ", "workflow_type": "x", "last_error": " "}"#)
            .document
            .expect("a record"),
    );
}

#[test]
fn a_file_of_another_kind_is_left_alone() {
    for text in
        [r#"{"name": "app", "version": "1.0.0", "scripts": {}}"#, "# A heading\n\nText.\n", "[1, 2, 3]", "42"]
    {
        let imported = import(text);
        assert!(!imported.is_valid(), "{text}");
    }
    let subject = Subject::new();
    subject.write("package.json", r#"{"name": "app", "version": "1.0.0"}"#);
    subject.end(&["import", "status", "package.json", "--write"]).expect_code(1).says("unknown_shape");
    assert_eq!(subject.read("package.json"), r#"{"name": "app", "version": "1.0.0"}"#);
}

/// The nine damaged files of the original's own probe, by our own words.
#[test]
fn st_nine_damaged_files_all_end_valid_and_a_second_repair_changes_nothing() {
    let probes: [(&str, Option<&str>); 9] = [
        ("missing", None),
        (
            "comma",
            Some(
                "{\"change_id\": \"c\", \"status\": \"running\", \"stage\": 2, \"timestamp\": \"2026-03-01\", \"completed_stages\": [0, 1],}",
            ),
        ),
        ("cut", Some("{\"change_id\": \"c\", \"completed_stages\": [0, 1], \"status\": \"runn")),
        (
            "no-status",
            Some(
                "{\"change_id\": \"c\", \"stage\": 2, \"timestamp\": \"2026-03-01\", \"completed_stages\": [0, 1]}",
            ),
        ),
        (
            "no-stage",
            Some(
                "{\"change_id\": \"c\", \"status\": \"running\", \"timestamp\": \"2026-03-01\", \"completed_stages\": [0, 1]}",
            ),
        ),
        (
            "bad-status",
            Some(
                "{\"change_id\": \"c\", \"status\": \"bogus\", \"stage\": 2, \"timestamp\": \"2026-03-01\", \"completed_stages\": [0, 1]}",
            ),
        ),
        (
            "stage-13",
            Some(
                "{\"change_id\": \"c\", \"status\": \"running\", \"stage\": 13, \"timestamp\": \"2026-03-01\", \"completed_stages\": [0, 1]}",
            ),
        ),
        (
            "completed-99",
            Some(
                "{\"change_id\": \"c\", \"status\": \"running\", \"stage\": 2, \"timestamp\": \"2026-03-01\", \"completed_stages\": [1, 99]}",
            ),
        ),
        ("tracker", Some(TRACKER)),
    ];
    for (name, text) in probes {
        let subject = Subject::new();
        let path = format!("{name}/status.json");
        std::fs::create_dir_all(subject.root.join(name)).expect("a folder");
        text.iter().for_each(|text| subject.write(&path, text));
        let first = subject.json(&["import", "status", &path, "--write", "--format", "json"]);
        assert_eq!(first["files"][0]["valid"], true, "{name}: {first}");
        let repairs = first["files"][0]["repairs"].as_u64().expect("a number");
        assert_eq!(repairs == 0, name == "tracker", "{name}: {first}");
        let written = subject.read(&path);
        let second = subject.json(&["import", "status", &path, "--write", "--format", "json"]);
        assert_eq!(second["files"][0]["repairs"], 0, "{name}: {second}");
        assert_eq!(second["files"][0]["written"]["changed"], false, "{name}: {second}");
        assert_eq!(subject.read(&path), written, "{name}");
        let record = &second["files"][0]["document"]["records"][0];
        let id = match name {
            "missing" => "missing",
            "tracker" => "add-search",
            _ => "c",
        };
        assert_eq!(record["change_id"], id, "{name}: {record}");
        if text.is_some() {
            let list = if name == "completed-99" { vec![1] } else { vec![0, 1] };
            let expected = if name == "tracker" { vec![0] } else { list };
            assert_eq!(record["completed"], serde_json::json!(expected), "{name}");
            assert_eq!(subject.read(&format!("{path}.backup")), text.unwrap_or_default(), "{name}");
        }
        subject.end(&["import", "status", &path, "--check"]).expect_code(0);
    }
}

#[test]
fn what_keeps_a_file_from_being_read_has_its_class() {
    let subject = Subject::new();
    let class = |path: &str| {
        let said = subject.json(&["import", "status", path, "--format", "json"]);
        said["files"][0]["findings"][0]["class"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(class("nothing.json"), "missing_file");
    assert_eq!(class("no/such/folder/status.json"), "missing_file");
    std::fs::create_dir_all(subject.root.join("folder.json")).expect("a folder");
    assert_eq!(class("folder.json"), "read_error");
    subject.write("locked.json", RECOVERY);
    use std::os::unix::fs::PermissionsExt;
    let locked = subject.root.join("locked.json");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).expect("a mode");
    // The superuser reads everything.
    if std::fs::read(&locked).is_err() {
        assert_eq!(class("locked.json"), "permission_error");
    }
    let said = subject.json(&["import", "status", "nothing.json", "--format", "json"]);
    assert_eq!(said["files"][0]["findings"][0]["severity"], Severity::Critical.word());
    assert!(!subject.root.join("nothing.json").exists(), "nothing is written unasked");
}

#[test]
fn folders_are_searched_and_copies_of_checkpoints_passed_by() {
    let subject = Subject::new();
    subject.write("changes/one/status.json", RECOVERY);
    subject.write("changes/one/.checkpoints/state.json", CHECKPOINTS);
    subject.write("changes/one/.checkpoints/checkpoint-20260302-100000-step00/status.json", RECOVERY);
    subject.write("changes/two/.workflow_state/two_status.json", super::status_shapes::ENHANCED);
    subject.write("changes/two/package.json", "{}");
    let said = subject.json(&["import", "status", "changes", "--format", "json"]);
    let paths: Vec<&str> =
        said["files"].as_array().expect("files").iter().filter_map(|f| f["path"].as_str()).collect();
    let expected = [
        "changes/one/.checkpoints/state.json",
        "changes/one/status.json",
        "changes/two/.workflow_state/two_status.json",
    ];
    assert_eq!(paths, expected);
    subject.end(&["import", "status", "changes", "--output", "out"]).expect_code(0);
    assert!(subject.root.join("out/changes-one-checkpoints-state.record.json").exists());
    assert_eq!(subject.read("changes/one/status.json"), RECOVERY, "the originals stay as they were");
    let before = subject.read("out/changes-one-status.record.json");
    subject.end(&["import", "status", "changes", "--output", "out"]).expect_code(0).says("unchanged");
    subject.write("out/changes-one-status.record.json", "mine");
    subject.end(&["import", "status", "changes", "--output", "out"]).expect_code(1).says("was left alone");
    assert_eq!(subject.read("out/changes-one-status.record.json"), "mine");
    assert!(before.contains("test-change-001"));
}

/// What gzip makes of a list of checkpoints is read as it lies; cut, it gives what comes before.
#[test]
fn packed_files_are_read_and_stay_as_they_are() {
    let subject = Subject::new();
    let entries: Vec<Value> = (0..400)
        .map(|at| serde_json::json!({"checkpoint_id": format!("c{at}"), "step_num": at % 13, "notes": format!("{}", at * 7919)}))
        .collect();
    subject
        .write("state.json", serde_json::json!({"change_id": "packed", "checkpoints": entries}).to_string());
    let status =
        std::process::Command::new("gzip").arg("-k").current_dir(&subject.root).arg("state.json").status();
    assert!(status.is_ok_and(|status| status.success()), "gzip");
    let of = |path: &str| subject.json(&["import", "status", path, "--format", "json"])["files"][0].clone();
    let (plain, packed) = (of("state.json"), of("state.json.gz"));
    assert_eq!(plain["document"]["records"], packed["document"]["records"]);
    assert_eq!((&packed["repairs"], &packed["clean"]), (&0.into(), &true.into()));
    subject.end(&["import", "status", "state.json.gz", "--write"]).expect_code(1).says("--output");
    let bytes = std::fs::read(subject.root.join("state.json.gz")).expect("a file");
    subject.write("cut.json.gz", &bytes[..bytes.len() / 2]);
    let cut = of("cut.json.gz");
    assert_eq!(cut["findings"][0]["class"], "read_error", "{cut}");
    assert_eq!(cut["document"]["records"][0]["change_id"], "packed");
    assert!(
        cut["document"]["records"][0]["checkpoints"]["total"]
            .as_u64()
            .is_some_and(|n| (20..400).contains(&n))
    );
    // The last byte before the checksum has bits that mean nothing.
    for at in (24..bytes.len() - 9).step_by(97) {
        let mut turned = bytes.clone();
        turned[at] ^= 0x10;
        let found = of_bytes("turned.gz", None, &turned);
        assert!(found.findings.iter().any(|finding| finding.class.word() == "read_error"), "byte {at}");
    }
}

#[test]
fn a_copy_that_is_there_is_never_written_over() {
    let subject = Subject::new();
    subject.write("a/status.json", RECOVERY);
    subject.write("a/status.json.backup", "an older copy");
    subject.end(&["import", "status", "a/status.json", "--write"]).expect_code(0);
    assert_eq!(subject.read("a/status.json.backup"), "an older copy");
    assert_eq!(subject.read("a/status.json.backup-2"), RECOVERY);
    let names = std::fs::read_dir(subject.root.join("a")).expect("a folder").count();
    assert_eq!(names, 3, "no temporary file stays");
}

#[test]
fn a_record_of_a_newer_version_is_left_alone() {
    let text =
        import(RECOVERY).document.expect("a record").text().replacen("\"version\": 1", "\"version\": 2", 1);
    let imported = import(&text);
    assert!(!imported.is_valid());
    assert!(imported.findings[0].what.contains("a newer wfl"), "{:?}", imported.findings);
}

/// Values of the outer members that are complete in the first `length` bytes, by the rules of JSON and nothing of ours:
/// the prefix up to the comma or bracket behind a member parses when it is closed.
fn complete(text: &str) -> Option<Value> {
    let ends = text.char_indices().rev().filter(|(_, c)| *c == ',').map(|(at, _)| at);
    ends.into_iter().find_map(|at| serde_json::from_str(&format!("{}}}", &text[..at])).ok())
}

/// All prefixes of every shape: no panic, valid, settled, and every member before the cut is in the record.
#[test]
fn whatever_a_file_is_cut_to_nothing_complete_is_lost() {
    let mut checked = 0;
    for (shape, text) in
        ALL.iter().filter(|(shape, _)| !shape.ends_with("-log") && *shape != "timing-history")
    {
        for length in 0..text.len() {
            let cut = &text[..length];
            let imported = import(cut);
            let Some(document) = imported.document else {
                // Nothing that could tell the shape is there yet.
                let told = complete(cut).is_none_or(|members| {
                    members.get("schema_version") == members.as_object().and_then(|all| all.values().next())
                });
                assert!(!cut.trim().starts_with('{') || told, "{shape} {length}: {:?}", imported.findings);
                continue;
            };
            if length % 7 == 0 {
                settled(&document);
            }
            let Some(Value::Object(members)) = complete(cut) else { continue };
            let after = document.text();
            for name in ["workflow_id", "change_id", "lane", "checkpoint_id", "execution_id"] {
                let Some(Value::String(id)) = members.get(name) else { continue };
                assert!(after.contains(id.as_str()), "{shape} {length} loses {name}");
                checked += 1;
            }
            let lists = ["completed_stages", "completed_phases", "completed_steps"];
            for value in
                lists.iter().filter_map(|name| members.get(*name)).filter_map(Value::as_array).flatten()
            {
                let Some(number) = value.as_i64() else { continue };
                assert!(
                    document.records[0].completed.contains(&number),
                    "{shape} {length} loses stage {number}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 5_000, "only {checked} members were looked for");
}

/// The twin: what the original did, a skeleton in the place of what cannot be parsed, loses what the check looks for.
#[test]
fn a_repair_that_starts_afresh_would_be_seen() {
    let cut = &RECOVERY[..RECOVERY.len() - 10];
    let skeleton = serde_json::from_str::<Value>(cut).unwrap_or(serde_json::json!({"change_id": "unknown"}));
    let Some(Value::Object(members)) = complete(cut) else { panic!("members before the cut") };
    assert_eq!(members["change_id"], "test-change-001");
    assert!(!skeleton.to_string().contains("test-change-001"));
    assert!(import(cut).document.expect("a record").text().contains("test-change-001"));
}

/// One damage: bytes cut out, doubled, put in or turned over.
#[derive(Clone, Debug)]
struct Damage {
    at: usize,
    length: usize,
    with: Vec<u8>,
}

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let pieces = || {
        let words: [&[u8]; 12] =
            [b"", b"{", b"}", b"[", b"]", b",", b":", b"\"", b"\n", b"\\", b"\0", b"\xff\xfe"];
        (0..words.len()).prop_map(move |index| words[index].to_vec())
    };
    let one =
        (any::<usize>(), 0..6usize, pieces()).prop_map(|(at, length, with)| Damage { at, length, with });
    proptest::collection::vec(one, 1..5)
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 1500, failure_persistence: None, ..Default::default() })]
    #[test]
    fn damage_of_any_kind_ends_and_settles(which in 0..ALL.len() * 2, damages in damages()) {
        let (_, text) = ALL[which % ALL.len()];
        let mut bytes = match which < ALL.len() {
            true => text.as_bytes().to_vec(),
            // A record of ours is damaged as any other file.
            false => import(text).document.map(|document| document.text().into_bytes()).unwrap_or_default(),
        };
        for damage in &damages {
            let at = damage.at % (bytes.len() + 1);
            let end = (at + damage.length).min(bytes.len());
            bytes.splice(at..end, damage.with.iter().copied());
        }
        let imported = of_bytes("changes/a-change/status.json", Some("a-change"), &bytes);
        if let Some(document) = imported.document {
            settled(&document);
        }
    }

    /// Healthy JSON of any kind is read as every JSON reader reads it.
    #[test]
    fn healthy_json_is_not_called_damaged(number in any::<i64>(), text in "\\PC{0,20}", deep in 0..30usize) {
        let inner = format!("{}{number}{}", "[".repeat(deep), "]".repeat(deep));
        let name = serde_json::to_string(&text).expect("JSON");
        let file = format!("{{\"change_id\": \"a\", \"status\": \"running\", \"stage\": 1, \"timestamp\": \"2026-03-01\", \"note\": {name}, \"deep\": {inner}}}");
        let imported = import(&file);
        assert!(imported.findings.is_empty(), "{:?} {file}", imported.findings);
        let record = record(&file);
        assert_eq!(&record["other"]["note"], &Value::String(text));
        assert_eq!(record["other"]["deep"].to_string(), inner);
    }
}
