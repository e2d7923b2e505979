//! Templates as users meet them: sets of files, schemas, and templates that try to take the machine's time or memory.

use crate::faults::subject::Subject;

const SCHEMA: &str = r##"{"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
  "required": ["region", "replicas"], "additionalProperties": false,
  "properties": {"region": {"enum": ["eu", "us"]}, "replicas": {"$ref": "#/$defs/count"}},
  "$defs": {"count": {"type": "integer", "minimum": 1, "maximum": 9}}}"##;

/// One definition, a file for each region, each judged by a schema.
fn regions(regions: &str, replicas: &str) -> Subject {
    let subject = Subject::with(&format!(
        "stage config {{\n  render f\"out/{{region}}/app.json\" from \"templates/app.json.jinja\" {{\n    each   region = {regions}\n    schema \"schemas/app.schema.json\"\n    region   = region\n    replicas = {replicas}\n  }}\n}}\n"
    ));
    subject
        .write("templates/app.json.jinja", "{\"region\": \"{{ region }}\", \"replicas\": {{ replicas }}}\n");
    subject.write("schemas/app.schema.json", SCHEMA);
    subject
}

fn files(subject: &Subject) -> Vec<String> {
    let mut found: Vec<String> = walkdir::WalkDir::new(subject.root.join("out"))
        .into_iter()
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(&subject.root).expect("inside").display().to_string())
        .collect();
    found.sort();
    found
}

#[test]
fn one_definition_renders_a_file_for_each_value() {
    let subject = regions("[\"eu\", \"us\"]", "if region == \"eu\" then 3 else 1");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    assert_eq!(files(&subject), ["out/eu/app.json", "out/us/app.json"]);
    assert_eq!(subject.read("out/eu/app.json"), "{\"region\": \"eu\", \"replicas\": 3}\n");
    assert_eq!(subject.read("out/us/app.json"), "{\"region\": \"us\", \"replicas\": 1}\n");
}

#[test]
fn a_file_that_does_not_fit_fails_the_attempt_and_nothing_of_the_set_is_written() {
    let subject = regions("[\"eu\", \"us\"]", "if region == \"eu\" then 3 else 12");
    let ended = subject.end(&["run", "all.wfl"]).expect_code(1);
    ended.says("out/us/app.json does not fit schemas/app.schema.json: at /replicas: ");
    assert_eq!(files(&subject), Vec::<String>::new());
    subject.write("templates/app.json.jinja", "region: {{ region }} # {{ replicas }}\n");
    subject.end(&["run", "all.wfl"]).expect_code(1).says("out/eu/app.json:1:1 is not JSON");
    assert_eq!(files(&subject), Vec::<String>::new());
}

#[test]
fn a_schema_reaches_nothing_outside_its_file() {
    let subject = regions("[\"eu\"]", "3");
    subject.write("schemas/app.schema.json", "{\"$ref\": \"https://example.org/app.json\"}");
    subject.end(&["run", "all.wfl"]).expect_code(1).says("nothing is fetched");
    std::fs::remove_file(subject.root.join("schemas/app.schema.json")).expect("removed");
    subject.end(&["run", "all.wfl"]).expect_code(1).says("schema not found: schemas/app.schema.json");
    assert_eq!(files(&subject), Vec::<String>::new());
}

#[test]
fn sets_multiply_and_templates_and_matrices_take_part() {
    let subject = Subject::with(
        "param envs: list<string> = [\"dev\", \"live\"]\nstage all {\n  matrix { app = [\"web\", \"job\"] }\n  render f\"out/{app}/{env_name}.{kind}\" from f\"t/{kind}.jinja\" {\n    each env_name = envs\n    each kind = [\"ini\", \"txt\"]\n    name = f\"{app} in {env_name}\"\n    each = \"a value may have any name\"\n  }\n}\n",
    );
    subject.write("t/ini.jinja", "[{{ name }}]\n");
    subject.write("t/txt.jinja", "{{ name }}: {{ each }}\n");
    subject.end(&["run", "all.wfl", "--set", "envs=dev,test,live"]).expect_code(0);
    assert_eq!(files(&subject).len(), 12);
    assert_eq!(subject.read("out/job/test.txt"), "job in test: a value may have any name\n");
    assert_eq!(subject.read("out/web/live.ini"), "[web in live]\n");
}

#[test]
fn a_set_whose_files_would_be_one_is_refused() {
    let text = "stage s {\n  render \"out/a\" from \"t\" { each x = [1, 2] }\n}\n";
    Subject::with(text).end(&["check", "all.wfl"]).expect_code(1).says("written to the same file");
    let subject =
        Subject::with("stage s {\n  render f\"out/{lower(x)}\" from \"t\" { each x = [\"A\", \"a\"] }\n}\n");
    subject.write("t", "x");
    subject.end(&["run", "all.wfl"]).expect_code(1).says("two files would be written to out/a");
    for (list, says) in [("[]", "has no values"), ("3", "must be a list"), ("[x]", "E102")] {
        let text = format!("stage s {{\n  render f\"out/{{x}}\" from \"t\" {{ each x = {list} }}\n}}\n");
        Subject::with(&text).end(&["check", "all.wfl"]).expect_code(1).says(says);
    }
    let text = "stage s {\n  matrix { x = [1] }\n  render f\"out/{x}\" from \"t\" { each x = [1] }\n}\n";
    Subject::with(text).end(&["check", "all.wfl"]).expect_code(1).says("E103");
}

/// Runs a template that must fail, and gives what was said and the most memory its process had, in bytes.
fn bomb(template: &str) -> (String, u64) {
    let subject =
        Subject::with("stage s {\n  render \"out/a\" from \"bomb\" { items = [\"a\", \"b\"] }\n}\n");
    subject.write("bomb", template);
    let ended = subject.end(&["run", "all.wfl"]).expect_code(1);
    assert_eq!(files(&subject), Vec::<String>::new(), "{template}");
    let run = subject.newest_run().expect("a run");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    let peak = shown["stages"][0]["attempts"][0]["usage"]["max_rss"].as_u64().expect("measured");
    (ended.err, peak)
}

#[test]
fn a_template_bomb_ends_in_bounded_memory() {
    let doubling = format!("{{% set x = 'ab' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(40));
    let captured = format!(
        "{{% set x %}}ab{{% endset %}}{}{{{{ x }}}}",
        "{% set x %}{{ x }}{{ x }}{% endset %}".repeat(40)
    );
    for template in [
        doubling.as_str(),
        &captured,
        "{{ ('a' * 1000000000) ~ ('b' * 1000000000) }}",
        "{% set x = 'a' * 100000 %}{{ x|replace('a', x) }}",
        "{% set x = 'a' * 100000 %}{% for a in range(5000) %}{{ x }}{% endfor %}",
        "{% macro m(x) %}{{ m(x ~ x) }}{% endmacro %}{{ m('ab') }}",
        "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m('ab') }}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{% include 'bomb' %}",
        "{% extends 'bomb' %}",
        "{{ 'a'|center(2000000000) }}",
        "{{ range(1000000000)|list }}",
    ] {
        let (said, peak) = bomb(template);
        assert!(said.contains("bomb"), "{template}: {said}");
        assert!(peak > 0 && peak < 320 << 20, "{template}: {} MiB", peak >> 20);
        assert!(!said.contains("panicked") && !said.contains("allocation"), "{template}: {said}");
    }
}

#[test]
fn a_render_without_end_is_ended_by_the_stage_s_own_limit() {
    let subject = Subject::with("stage s {\n  timeout 300ms\n  render \"out/a\" from \"t\"\n}\n");
    // Little fuel, much work: each instruction copies a long text.
    let slow = "{% set x = 'a' * 1000000 %}{% for a in range(5000) %}{% for b in range(20) %}{% set y = x|replace('a', 'bc')|length %}{% endfor %}{% endfor %}";
    subject.write("t", slow);
    subject.end(&["run", "all.wfl"]).expect_code(5).says("timed out").says("300ms");
    assert_eq!(files(&subject), Vec::<String>::new());
}
