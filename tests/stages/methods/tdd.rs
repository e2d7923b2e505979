//! Test-driven development on small real projects: what is no red, what is no green, and the way through.

use crate::faults::subject::Subject;

use super::{Walk, begun_with};

const RIGHT: &str = "total() { s=0; for n in \"$@\"; do s=$((s + n)); done; echo $s; }\n";

/// A shell project whose tests are run by a script; `--set` tells the lane.
fn cart() -> Subject {
    let subject = begun_with("tdd");
    subject.write("src/cart.sh", "total() { echo $#; }\n");
    subject.write("run-tests.sh", "for t in tests/*.sh; do [ ! -f \"$t\" ] || sh \"$t\" || exit 1; done\n");
    subject.write(".gitignore", ".wfl/out\n");
    subject.commit_all("feat: start");
    subject
}

fn expects(subject: &Subject, sum: u32) {
    subject.write("tests/cart.sh", format!(". ./src/cart.sh; [ \"$(total 2 3)\" = {sum} ]\n"));
}

const SET: &str = "tests=sh,run-tests.sh";

#[test]
fn without_a_test_nothing_begins() {
    let subject = cart();
    subject.write("src/cart.sh", RIGHT);
    let walk = Walk::begin(&subject, &["tdd", "--set", SET], 3);
    assert_eq!((walk.status("test-first").as_str(), walk.status("red").as_str()), ("failed", "cancelled"));
    subject.end(&["why", &walk.run, "test-first"]).says("begin with the test");
}

#[test]
fn a_test_that_passes_from_the_start_is_no_red() {
    let subject = cart();
    expects(&subject, 2);
    let walk = Walk::begin(&subject, &["red", "--set", SET], 1);
    assert!(walk.log("red").contains("write the test that fails first"), "{}", walk.log("red"));
    assert!(!subject.root.join(".wfl/out/tdd/red.txt").exists(), "nothing was seen to fail");
}

/// 127 is a missing program and 2 what pytest says of tests that it cannot read: neither is a failed test.
#[test]
fn what_could_not_be_run_did_not_fail() {
    for code in [2, 127, 143] {
        let subject = cart();
        expects(&subject, 5);
        subject.write("run-tests.sh", format!("exit {code}\n"));
        let walk = Walk::begin(&subject, &["red", "--set", SET], 1);
        assert!(walk.log("red").contains("no failed test"), "{code}: {}", walk.log("red"));
    }
}

#[test]
fn red_green_refactor_in_one_run() {
    let subject = cart();
    expects(&subject, 5);
    let walk = Walk::begin(&subject, &["tdd", "--set", SET], 4);
    assert_eq!((walk.status("red").as_str(), walk.status("implemented").as_str()), ("succeeded", "waiting"));
    walk.approve("implemented");
    walk.resume(3).says("write the least that makes the tests pass");
    subject.write("src/cart.sh", RIGHT);
    walk.resume(4);
    assert_eq!((walk.status("green").as_str(), walk.status("refactored").as_str()), ("succeeded", "waiting"));
    subject.write("src/cart.sh", RIGHT.replace("s=0", "s=1"));
    subject.commit_all("refactor: shorter");
    walk.approve("refactored");
    walk.resume(3);
    assert_eq!(walk.status("green"), "failed", "what was green is judged again after the tree changed");
    subject.write("src/cart.sh", RIGHT.replace("s + n", "s+n"));
    walk.resume(0);
    assert_eq!(walk.status("still-green"), "succeeded");
    let cycle = subject.read(".wfl/out/tdd/cycle.md");
    assert!(cycle.contains("# One cycle on main") && cycle.contains("tests/cart.sh"), "{cycle}");
    assert_eq!(walk.log("red").matches("attempt").count(), 0, "red is seen once");
}

/// The twin of the way through: the code stays wrong, and the test is bent to it.
#[test]
fn a_test_bent_to_the_code_is_not_green() {
    let subject = cart();
    expects(&subject, 5);
    let walk = Walk::begin(&subject, &["tdd", "--set", SET], 4);
    expects(&subject, 2);
    walk.approve("implemented");
    walk.resume(3);
    assert_eq!((walk.status("implemented").as_str(), walk.status("green").as_str()), ("failed", "cancelled"));
    assert!(walk.log("implemented").contains("not those that were seen to fail"));
    std::fs::remove_file(subject.root.join("tests/cart.sh")).expect("it was there");
    walk.resume(3);
    expects(&subject, 5);
    subject.write("src/cart.sh", RIGHT);
    walk.resume(4);
}

#[test]
fn step_by_step_in_runs_of_their_own() {
    let subject = cart();
    subject.end(&["run", "green", "--set", SET]).expect_code(3).says("run the lane 'red' first");
    expects(&subject, 5);
    subject.end(&["run", "red", "--set", SET]).expect_code(0);
    subject.end(&["run", "green", "--set", SET]).expect_code(3);
    subject.write("src/cart.sh", RIGHT);
    subject.end(&["run", "green", "--set", SET]).expect_code(0);
    subject.end(&["run", "refactor", "--set", SET]).expect_code(0);
    subject.write("src/cart.sh", "total() { echo 0; }\n");
    subject.end(&["run", "refactor", "--set", SET]).expect_code(3).says("changes no behaviour");
}

#[test]
fn a_rust_crate_needs_no_word_about_its_tests() {
    let subject = begun_with("tdd");
    subject.write("Cargo.toml", "[package]\nname = \"cart\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    subject.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"cart\"\nversion = \"0.1.0\"\n");
    subject.write("src/lib.rs", "pub fn total(prices: &[u32]) -> u32 { prices.len() as u32 }\n");
    subject.write(".gitignore", "target\n.wfl/out\n");
    subject.commit_all("feat: start");
    let test = |call: &str| format!("#[test]\nfn adds() {{ assert_eq!(cart::{call}(&[2, 3]), 5); }}\n");
    subject.write("tests/cart.rs", test("sum"));
    let walk = Walk::begin(&subject, &["tdd"], 3);
    assert_eq!((walk.status("tests-build").as_str(), walk.status("red").as_str()), ("failed", "cancelled"));
    subject.write("tests/cart.rs", test("total"));
    let walk = Walk::begin(&subject, &["tdd"], 4);
    assert_eq!(walk.status("red"), "succeeded");
    subject.write("src/lib.rs", "pub fn total(prices: &[u32]) -> u32 { prices.iter().sum() }\n");
    walk.approve("implemented");
    walk.resume(4);
    walk.approve("refactored");
    walk.resume(0);
}

#[test]
fn a_python_project_too_with_or_without_pytest() {
    let subject = begun_with("tdd");
    subject.write("setup.py", "");
    subject.write("cart.py", "def total(prices):\n    return len(prices)\n");
    subject.write(".gitignore", "__pycache__\n.wfl/out\n");
    subject.commit_all("feat: start");
    let test = |name: &str| {
        format!(
            "import unittest\nfrom cart import {name}\n\n\nclass Cart(unittest.TestCase):\n    def test_adds(self):\n        self.assertEqual({name}([2, 3]), 5)\n"
        )
    };
    subject.write("test_cart.py", test("sum_up"));
    let walk = Walk::begin(&subject, &["red"], 3);
    assert_eq!(walk.status("tests-build"), "failed", "a test that cannot be imported shows nothing");
    subject.write("test_cart.py", test("total"));
    subject.end(&["run", "red"]).expect_code(0);
    subject.write("cart.py", "def total(prices):\n    return sum(prices)\n");
    subject.end(&["run", "green"]).expect_code(0);
}
