//! Facts of files, project and machine.

use std::fs;
use std::path::Path;

use wfl::base::{Type, Value};
use wfl::expr::facts::{Fact, FactKey, Phase, TABLE};
use wfl::facts::{ChangeFlags, World};
use wfl::port::Facts;

fn read(root: &Path, name: &str, arguments: &[&str], ty: Type) -> Fact {
    let arguments = arguments.iter().map(|text| Value::String(text.to_string())).collect();
    let world = World::new(root, ChangeFlags::default()).project_version(Some("1.4.0".into()));
    world.read(&[FactKey { name: name.into(), arguments, ty }]).into_values().next().unwrap()
}

fn any(root: &Path, name: &str, arguments: &[&str]) -> Fact {
    read(root, name, arguments, Type::Unknown)
}

fn failed(fact: Fact) -> String {
    match fact {
        Fact::Failed(why) => why,
        Fact::Read(value) => panic!("read {value}"),
    }
}

#[test]
fn every_row_of_the_table_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    for row in TABLE.iter().filter(|row| !matches!(row.phase, Phase::Attempt | Phase::Stored)) {
        let arguments: Vec<&str> = row.arguments.iter().map(|_| "x").collect();
        if let Fact::Failed(why) = any(dir.path(), row.name, &arguments) {
            assert!(!why.contains("not something this version can read"), "{}: {why}", row.name);
        }
    }
    assert!(failed(any(dir.path(), "no.such", &[])).contains("not something"));
}

#[test]
fn files() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::write(root.join("a.txt"), "hello\nworld 42\n").unwrap();
    let yes = Fact::Read(Value::Bool(true));
    let no = Fact::Read(Value::Bool(false));
    assert_eq!(any(root, "file.exists", &["a.txt"]), yes);
    assert_eq!(any(root, "file.exists", &[root.join("a.txt").to_str().unwrap()]), yes);
    assert_eq!(any(root, "file.exists", &["gone"]), no);
    assert_eq!(any(root, "file.size", &["a.txt"]), Fact::Read(Value::Size(15)));
    assert!(matches!(any(root, "file.age", &["a.txt"]), Fact::Read(Value::Duration(0..60_000))));
    assert_eq!(any(root, "file.contains", &["a.txt", r"world \d+"]), yes);
    assert_eq!(any(root, "file.contains", &["a.txt", "^world$"]), no);
    assert_eq!(failed(any(root, "file.size", &["gone"])), "file not found: gone");
    for path in ["../x", "/etc/passwd", "a/../../x"] {
        assert!(failed(any(root, "file.exists", &[path])).contains("leaves the project"), "{path}");
    }
}

#[test]
fn project_and_machine() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("payments");
    fs::create_dir_all(root.join("src")).unwrap();
    fs::write(root.join("src/a.rs"), "").unwrap();
    let text = |name: &str| any(&root, name, &[]);
    assert_eq!(text("project.name"), Fact::Read(Value::String("payments".into())));
    assert_eq!(text("project.version"), Fact::Read(Value::String("1.4.0".into())));
    assert_eq!(any(&root, "project.has", &["*.py", "**/*.rs"]), Fact::Read(Value::Bool(true)));
    assert_eq!(text("os"), Fact::Read(Value::String(std::env::consts::OS.into())));
    assert_eq!(any(&root, "env", &["CARGO_PKG_NAME"]), Fact::Read(Value::String("wfl".into())));
    assert_eq!(any(&root, "env", &["WFL_SURELY_NOT_SET"]), Fact::Read(Value::Absent));
    assert_eq!(any(&root, "program.exists", &["sh"]), Fact::Read(Value::Bool(true)));
}

#[test]
fn readers_read_what_a_stage_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    fs::create_dir(root.join("target")).unwrap();
    fs::write(root.join("target/cov.json"), r#"{"lines":{"percent":71.5}}"#).unwrap();
    fs::write(
        root.join("target/r1.xml"),
        "<testsuite><testcase/><testcase><failure/></testcase></testsuite>",
    )
    .unwrap();
    fs::write(root.join("target/r2.xml"), "<testsuite><testcase/><testcase/></testsuite>").unwrap();
    let lines = read(root, "json", &["target/cov.json", "/lines/percent"], Type::Percent);
    assert_eq!(lines, Fact::Read(Value::Percent(71.5)));
    assert_eq!(any(root, "junit.tests", &["target/*.xml"]), Fact::Read(Value::Int(4)));
    assert_eq!(any(root, "junit.pass-rate", &["target/*.xml"]), Fact::Read(Value::Percent(75.0)));
    assert!(failed(any(root, "junit.failed", &["none/*.xml"])).contains("no file matches"));
    assert!(failed(any(root, "sarif.errors", &["gone.sarif"])).contains("file not found"));
    assert!(
        failed(read(root, "json", &["target/cov.json", "/lines/percent"], Type::Int)).contains("not an int")
    );
}

#[test]
fn inputs_have_one_hash_until_they_change() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a"), "1").unwrap();
    let world = World::new(dir.path(), ChangeFlags::default());
    let hash = || world.hash_inputs(&["*".into()]).unwrap();
    let first = hash();
    assert_eq!((first.len(), &first), (64, &hash()));
    fs::write(dir.path().join("a"), "2").unwrap();
    assert_ne!(first, hash());
    assert!(world.hash_inputs(&["../*".into()]).is_err());
}
