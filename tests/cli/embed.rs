//! The library as a host program uses it.

use wfl::embed::{Asked, Error, Project};

#[test]
fn a_project_is_opened_listed_and_planned() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join(".wfl")).expect("a folder");
    let text = "wfl 1\nstage a { exec \"true\" }\nlane l { include a }\n";
    std::fs::write(folder.path().join(".wfl/l.wfl"), text).expect("a file");
    let project = Project::open(folder.path()).expect("a project");
    assert_eq!(project.lanes()[0].name, "l");
    let planned = project.plan(&Asked::default()).expect("a plan");
    assert_eq!(planned.plan.nodes.len(), 1);
    let missing = Asked { target: Some("m".into()), ..Asked::default() };
    assert!(matches!(project.plan(&missing), Err(Error::Refused { .. })));
    assert!(Project::open(folder.path().join("nowhere")).is_err());
}

#[test]
fn a_project_with_errors_is_opened_but_not_planned() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.wfl"), "wfl 1\nstage a { neds b }\n").expect("a file");
    let project = Project::open(folder.path()).expect("a project");
    assert!(!project.diagnostics().is_empty());
    assert!(matches!(project.check(), Err(Error::Definition { .. })));
    assert!(project.plan(&Asked::default()).is_err());
}
