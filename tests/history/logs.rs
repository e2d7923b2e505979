//! Event logs of other programs: read as they are, written and read again, and what is wrong in them told by line.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use wfl::eventlog::{DURATION, Names, Read, Refused, Source, read, write};
use wfl::learn::log::{NO_TIME, NO_WORD};
use wfl::learn::{Case, Column, Log, Values};

fn of(bytes: &[u8], names: &Names) -> Result<Read, Refused> {
    read(&Source::Bytes("log", bytes), names)
}

fn good(text: &str) -> Read {
    of(text.as_bytes(), &Names::default()).unwrap()
}

fn refused(text: &str) -> String {
    of(text.as_bytes(), &Names::default()).unwrap_err().to_string()
}

/// Cases with their activities, by name.
fn traces(log: &Log) -> Vec<(&str, Vec<&str>)> {
    let name = |symbol: &u32| log.activities[*symbol as usize].as_str();
    log.cases.iter().map(|case| (&*case.id, log.trace(case).iter().map(name).collect())).collect()
}

fn words(values: &Values) -> Vec<&str> {
    let Values::Words { codes, names } = values else { panic!("numbers") };
    codes.iter().map(|code| if *code == NO_WORD { "" } else { names[*code as usize].as_str() }).collect()
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

const PLAIN: &str =
    "case_id,activity,timestamp\n1,a,2011-11-05 01:00:00\n2,a,2011-11-05 01:30:00\n1,b,2011-11-05 02:00:00\n";

#[test]
fn a_table_in_all_its_dialects_is_one_log() {
    let plain = good(PLAIN);
    assert_eq!(traces(&plain.log), [("1", vec!["a", "b"]), ("2", vec!["a"])]);
    assert_eq!(plain.log.times(&plain.log.cases[0]), [1_320_454_800_000, 1_320_458_400_000]);
    assert!(plain.complaints.is_empty());
    let with = |from: &str, to: &str| PLAIN.replace(from, to);
    for text in [
        with("\n", "\r\n"),
        with(",", ";"),
        with(",", "\t"),
        format!("\u{feff}{PLAIN}"),
        with("case_id,activity,timestamp", "CaseID,ActivityID,CompleteTimestamp"),
        with("case_id,activity,timestamp", "case:concept:name,concept:name,time:timestamp"),
        with(" 0", "T0").replace(":00:00\n", ":00:00Z\n"),
        with("1,a", "\"1\",\"a\""),
        with("\n2", "\n\n2"),
    ] {
        assert_eq!(good(&text).log, plain.log, "{text}");
    }
    assert_eq!(of(&gzipped(PLAIN.as_bytes()), &Names::default()).unwrap().log, plain.log);
    let quoted = good(&PLAIN.replace(",a,", ",\"a\nand ;\"\"more\"\"\","));
    assert_eq!(quoted.log.activities[0], "a\nand ;\"more\"");
}

#[test]
fn columns_are_found_by_name_or_named_and_the_error_lists_what_is_there() {
    let odd = PLAIN.replace("case_id,activity,timestamp", "vorgang,what,when");
    let message = refused(&odd);
    assert!(message.contains("vorgang, what, when") && message.contains("--case"), "{message}");
    let names = Names {
        case: Some("vorgang".into()),
        activity: Some("what".into()),
        timestamp: Some("when".into()),
        ..Names::default()
    };
    assert_eq!(of(odd.as_bytes(), &names).unwrap().log, good(PLAIN).log);
    let wrong = Names { case: Some("nosuch".into()), ..names };
    assert!(of(odd.as_bytes(), &wrong).unwrap_err().to_string().contains("no column `nosuch`"));
}

#[test]
fn bad_rows_are_left_out_by_line_and_nothing_else_is() {
    let mut text = String::from("case,activity,time,start_time,duration\n");
    (0..20).for_each(|n| text.push_str(&format!("c{n},a,2020-01-01 10:00:0{},,\n", n % 10)));
    text.push_str("x,a\n,a,2020-01-01,,\nx,,2020-01-01,,\nx,a,yesterday,,\nx,a,,,\n");
    text.push_str("x,a,2020-01-01 10:00:00,2020-01-01 11:00:00,\nx,a,2020-01-01,1990-01-01,\n");
    text.push_str("x,a,2020-01-01 10:00:00,2020-01-01 09:00:00,5\nx,a,2020-01-01,,-5\nx,a,0020-01-01,,\n");
    let names = Names { duration: Some("duration".into()), ..Names::default() };
    let read = of(text.as_bytes(), &names).unwrap();
    assert_eq!((read.rows, read.complaints.left_out(), read.log.cases.len()), (30, 10, 20));
    let lines = read.complaints.lines().join("\n");
    for told in [
        "the number of columns is wrong (1 row, left out): line 22: 2 columns instead of 5",
        "the case is missing (1 row, left out): line 23",
        "the activity is missing (1 row, left out): line 24",
        "the time cannot be read (1 row, left out): line 25: yesterday",
        "the time is missing (1 row, left out): line 26",
        "it ends before it begins (1 row, left out): line 27",
        "it takes more than ten years (1 row, left out): line 28",
        "the duration is not its end less its beginning (1 row, left out): line 29: 5",
        "the duration is less than nothing (1 row, left out): line 30: -5",
        "the time is before 1900 or after 2200 (1 row, left out): line 31",
    ] {
        assert!(lines.contains(told), "{told}\n{lines}");
    }
}

#[test]
fn a_file_that_is_mostly_wrong_teaches_nothing() {
    let message = refused("case,activity,time\n1,a,2020-01-01\n1,b,x\n1,c,y\n");
    assert!(message.contains("2 of 3 rows") && message.contains("line 3: x"), "{message}");
    for (text, told) in [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("case,activity,time\n", "has no rows"),
        ("a\0b", "is binary"),
        ("PK\x03\x04zip", "zip archive"),
        ("<html></html>", "no XES"),
        ("<log><trace><event>", "ends too early"),
        ("<log><trace></log>", "not XML"),
    ] {
        assert!(refused(text).contains(told), "{text:?}: {}", refused(text));
    }
    assert!(of(&[0xff, 0xfe, 1, 0], &Names::default()).unwrap_err().message.contains("UTF-16"));
    let many: String = (0..12_000).map(|n| format!("1,a{n},2020-01-01\n")).collect();
    assert!(refused(&format!("case,activity,time\n{many}")).contains("names each event"));
}

#[test]
fn bombs_and_rows_without_an_end_are_refused() {
    let long = format!("3,{}\n", "0".repeat(1 << 20));
    let bomb = of(&gzipped(&[PLAIN.as_bytes(), &long.repeat(80).into_bytes()].concat()), &Names::default())
        .unwrap_err();
    assert!(bomb.message.contains("times its size"), "{}", bomb.message);
    let mut open = PLAIN.as_bytes().to_vec();
    open.extend(b"3,\"");
    open.resize(open.len() + (20 << 20), b'x');
    let endless = of(&open, &Names::default()).unwrap_err();
    assert!(endless.message.contains("longer than 16 MiB"), "{}", endless.message);
    let entities = "<?xml version=\"1.0\"?><!DOCTYPE log [<!ENTITY a \"b\">]><log><trace/></log>";
    assert!(refused(entities).contains("defines entities"));
    let deep = format!("<log>{}", "<trace>".repeat(200));
    assert!(refused(&deep).contains("deep inside"));
}

#[test]
fn time_that_runs_backwards_is_put_in_order_and_zones_that_are_mixed_are_told() {
    let read = good(
        "case,activity,time\n1,b,2020-01-01T02:00:00+01:00\n1,a,2020-01-01 00:30\n1,c,2020-01-01T03:00:00Z\n",
    );
    assert_eq!(traces(&read.log), [("1", vec!["a", "b", "c"])]);
    assert!(read.complaints.lines()[0].contains("line 3"), "{:?}", read.complaints);
    assert_eq!(read.complaints.left_out(), 0);
    assert!(
        read.notes.iter().any(|note| note.contains("2 times name a zone and 1 do not")),
        "{:?}",
        read.notes
    );
    assert!(read.notes.iter().any(|note| note.contains("one case only")));
}

#[test]
fn slashes_are_read_when_one_row_tells_and_refused_when_none_does() {
    let rows = "case,activity,time\n1,a,5/11/2011 1:00\n1,b,6/11/2011 1:00\n";
    assert!(refused(rows).contains("day and month cannot be told apart"));
    let read = good(&format!("{rows}1,c,25/11/2011 1:00\n"));
    assert!(read.notes.iter().any(|note| note.contains("day first")), "{:?}", read.notes);
    assert_eq!(read.log.at[1] - read.log.at[0], 86_400_000);
}

#[test]
fn a_file_that_holds_its_rows_twice_counts_them_once_and_single_repeats_stay() {
    let body: String = (0..20).map(|n| format!("{n},a,2020-01-01\n{n},b,2020-01-02\n")).collect();
    let head = "case,activity,time\n";
    let once = good(&format!("{head}{body}"));
    let twice = good(&format!("{head}{body}{body}"));
    assert_eq!(twice.log, once.log);
    assert!(twice.notes[0].contains("40 rows repeat"), "{:?}", twice.notes);
    let one = good(&format!("{head}{body}0,b,2020-01-02\n"));
    assert_eq!((one.log.activity.len(), one.notes.len()), (41, 1));
}

#[test]
fn beginnings_and_ends_become_one_event_that_knows_how_long_it_took() {
    let read = good(
        "case,activity,time,lifecycle:transition\n1,a,2020-01-01 10:00,schedule\n1,a,2020-01-01 10:10,start\n\
         1,a,2020-01-01 10:30,complete\n1,b,2020-01-01 11:00,COMPLETE\n",
    );
    assert_eq!(traces(&read.log), [("1", vec!["a", "b"])]);
    let took = read.log.columns.iter().find(|column| column.name == DURATION).map(|column| &column.values);
    let Some(Values::Numbers(took)) = took else { panic!("no durations") };
    assert!(took[0] == 1_200_000.0 && took[1].is_nan());
    assert!(read.notes.iter().any(|note| note.contains("the 2 that complete")), "{:?}", read.notes);
}

#[test]
fn what_holds_for_a_case_is_its_property_and_what_says_too_much_is_left_out() {
    let read = good(
        "case,activity,time,who,amount,kind,case:variant,note,id\n\
         1,a,2020-01-01,x,5,red,v1,2020-03-01,r0\n1,b,2020-01-02,y,5,,v1,2020-03-02,r1\n\
         2,a,2020-01-03,x,7,blue,v2,2020-03-03,r2\n2,b,2020-01-04,y,7,,v2,2020-03-04,r3\n",
    );
    let names = |columns: &[Column]| columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    assert_eq!((names(&read.log.columns), names(&read.log.traits)), {
        (vec!["who".to_string(), "id".into()], vec!["amount".to_string(), "kind".into()])
    });
    assert_eq!(words(&read.log.traits[1].values), ["red", "blue"]);
    let why =
        |name: &str| read.left_out.iter().find(|(column, _)| column == name).map(|(_, why)| why.as_str());
    assert!(why("case:variant").unwrap().contains("whole case") && why("note").unwrap().contains("times"));
}

#[test]
fn what_is_known_later_than_the_start_is_no_property_of_the_start() {
    let read = good(
        "case,activity,time,grade\n1,a,2020-01-01,\n1,b,2020-01-02,good\n2,a,2020-01-03,bad\n2,b,2020-01-04,bad\n",
    );
    assert_eq!(words(&read.log.traits[0].values), ["", "bad"]);
    assert_eq!(words(&read.log.columns[0].values), ["", "good", "bad", "bad"]);
}

#[test]
fn a_table_of_builds_has_a_case_a_row_and_the_outcome_is_no_property() {
    let text = "build_failed,churn,gh_build_started_at\n1,5,2011-08-29 0:13\n0,7,2011-08-29 0:25\n";
    let names = Names { outcome: Some("build_failed".into()), ..Names::default() };
    let read = of(text.as_bytes(), &names).unwrap();
    let failed: Vec<_> = read.log.cases.iter().map(|case| case.failed).collect();
    assert_eq!(failed, [Some(true), Some(false)]);
    assert_eq!(read.log.traits.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["churn"]);
    // A usual name that says which way is failure needs no flag; another is not guessed at.
    assert_eq!(good(text).log.cases.iter().map(|case| case.failed).collect::<Vec<_>>(), failed);
    assert!(refused(&text.replace("build_failed", "went")).contains("--outcome"));
}

#[test]
fn a_trace_of_xes_may_name_itself_late_and_has_properties_of_its_own() {
    let read = good(
        "<?xml version=\"1.0\"?><log><global scope=\"event\"><string key=\"concept:name\" value=\"UNKNOWN\"/></global>\
         <trace><string key=\"concept:name\" value=\"c &amp; d\"/><string key=\"channel\" value=\"web\"/>\
         <event><string key=\"concept:name\" value=\"a\"/><date key=\"time:timestamp\" value=\"2020-01-01T01:00:00+01:00\"/>\
         <string key=\"who\" value=\"x\"><string key=\"inner\" value=\"no\"/></string></event></trace>\
         <trace><string key=\"channel\" value=\"desk\"/><event><string key=\"concept:name\" value=\"b\"/>\
         <date key=\"time:timestamp\" value=\"2020-01-02\"/><string key=\"who\" value=\"y\"/></event></trace></log>",
    );
    assert_eq!(traces(&read.log), [("c & d", vec!["a"]), ("trace 2", vec!["b"])]);
    assert_eq!(read.log.at[0], 1_577_836_800_000);
    assert_eq!(
        read.log.traits.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(),
        ["who", "channel"]
    );
}

fn text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[a-z<&\"',;é][a-z0-9 <&\"',;é]{0,5}[a-z<&\"',;é]").unwrap()
}

fn log() -> impl Strategy<Value = Log> {
    let event = (0..3u32, 0..5_000_000i64, 0..3u32, -100..100i16);
    let case = (proptest::collection::vec(event, 1..5), proptest::option::of(any::<bool>()), 0..3u32);
    let names = proptest::collection::btree_set(text(), 3..4);
    (names, proptest::collection::vec(case, 1..6)).prop_map(|(names, cases)| {
        let names: Vec<String> = names.into_iter().collect();
        let mut log = Log { activities: names.clone(), ..Log::default() };
        let (mut colour, mut number, mut of_case) = (Vec::new(), Vec::new(), Vec::new());
        for (place, (mut events, failed, word)) in cases.into_iter().enumerate() {
            let from = log.at.len();
            events.sort_by_key(|event| event.1);
            for (activity, at, word, value) in events {
                log.activity.push(activity);
                log.at.push(1_600_000_000_000 + at);
                colour.push(if word == 2 { NO_WORD } else { word });
                number.push(f32::from(value) / 4.0);
            }
            of_case.push(word);
            log.cases.push(Case { id: format!("case {place}").into(), events: from..log.at.len(), failed });
        }
        let column = |name: &str, values| Column { name: name.into(), values };
        log.columns = vec![
            column("colour", Values::Words { codes: colour, names: vec!["red".into(), "blue".into()] }),
            column("number", Values::Numbers(number)),
        ];
        log.traits = vec![column("kind", Values::Words { codes: of_case, names })];
        log
    })
}

/// A log as names, so that it does not matter in which order they were numbered.
fn named(log: &Log) -> Vec<String> {
    let value = |columns: &[Column], name: &str, place: usize| {
        let found = columns.iter().find(|column| column.name == name).map(|column| &column.values);
        match found {
            Some(Values::Words { codes, names }) if codes[place] != NO_WORD => {
                names[codes[place] as usize].clone()
            }
            Some(Values::Numbers(numbers)) if !numbers[place].is_nan() => numbers[place].to_string(),
            _ => String::new(),
        }
    };
    let mut lines = Vec::new();
    for (place, case) in log.cases.iter().enumerate() {
        for event in case.events.clone() {
            let either = |name: &str| value(&log.columns, name, event) + &value(&log.traits, name, place);
            let activity = &log.activities[log.activity[event] as usize];
            let (at, failed) = (log.at[event], case.failed);
            let parts = [either("colour"), either("number"), either("kind")];
            lines.push(format!("{} {failed:?} {activity} {at} {parts:?}", case.id));
        }
    }
    lines
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_written_is_read_again(log in log()) {
        prop_assume!(log.at.iter().all(|at| *at != NO_TIME));
        let names = Names { all_columns: true, outcome: Some(write::OUTCOME.into()), ..Names::default() };
        let says = log.cases.iter().any(|case| case.failed.is_some());
        let names = if says { names } else { Names { outcome: None, ..names } };
        let mut table = Vec::new();
        write::csv(&log, &mut table).unwrap();
        let mut xml = Vec::new();
        write::xes(&log, &mut xml).unwrap();
        // Constant in each case by chance: then it is a property of the case, and stands in the line all the same.
        for bytes in [table, xml] {
            let read = of(&bytes, &names);
            let told = String::from_utf8_lossy(&bytes).into_owned();
            prop_assert!(read.is_ok(), "{:?}\n{}", read, told);
            prop_assert_eq!(named(&read.unwrap().log), named(&log), "{}", told);
        }
    }

    #[test]
    fn no_bytes_make_it_fall(bytes in proptest::collection::vec(any::<u8>(), 0..300), head in any::<bool>()) {
        let text = if head { [PLAIN.as_bytes(), &bytes].concat() } else { bytes };
        let _ = of(&text, &Names::default());
        let _ = of(&gzipped(&text), &Names::default());
        let xml = [b"<log><trace><event>".as_slice(), &text].concat();
        let _ = of(&xml, &Names::default());
    }
}
