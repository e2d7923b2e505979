//! Scripts as strangers write them: what is refused and where, what is read and bound, hostile ones.

use proptest::prelude::*;

use super::*;
use crate::base::{FileId, Span};

fn fault(script: &str) -> Option<(usize, String)> {
    read(script).fault.map(|fault| (fault.at.start, fault.message))
}

fn facts(script: &str) -> Facts {
    read(script).facts.unwrap_or_else(|| panic!("{script}: {:?}", read(script).fault))
}

#[test]
fn a_script_is_refused_where_it_can_be_mended() {
    for (script, at, part) in [
        ("if true; then\n  echo a\n", 0, "`if` is never closed"),
        ("x=$(if a; then b)", 4, "`if` is never closed"),
        ("echo 'a\n", 5, "`'` is never closed"),
        ("( echo", 0, "`(` is never closed"),
        ("if x; then; fi", 12, "then clause is empty"),
        ("echo a | | b", 9, "nothing follows `|`"),
        ("echo a &&", 7, "nothing follows `&&`"),
        ("fi", 0, "`fi` is not expected"),
        ("if a then b; fi", 13, "`fi` is not expected"),
        ("a ;; b", 2, "`;;` is not expected"),
        ("&& b", 0, "`&&` is not expected"),
        ("echo )", 5, "`)` is not expected"),
    ] {
        let (found, message) = fault(script).unwrap_or_else(|| panic!("{script} is refused"));
        assert!(found == at && message.contains(part), "{script}: {found} {message}");
    }
}

#[test]
fn what_bash_accepts_is_accepted() {
    for script in [
        "",
        "# nothing\n",
        "find . -name x -exec rm \\{} \\; -prune",
        "[[ a =~ (x|y)+ ]] && (( x++ )); for ((i=0;i<3;i++)); do a; done",
        "shopt -s extglob; ls !(a|b); x=$'a\\'b'; echo ${x^^} ${x//a/b} $[1+2]",
        "cat <<-EOF\n\t$(a \"b\")\n\tEOF\ncat <<'X' >&2 2>&1 &>y\n\" ' ( if\nX\n",
        "function f { a; }; g() ( b ); coproc { x; }; time { a; }; select x in a; do b; done",
        "a=([x]=y); a+=(b); declare -A m; exec {fd}>x; ! a | b |& c; diff <(a) >(b)",
        "case $x in (a|b) c ;& d) e ;;& *) f; esac",
        "a \\\n  b\r\nc",
    ] {
        assert_eq!(fault(script), None, "{script}");
    }
}

#[test]
fn every_way_to_bind_a_name_is_known() {
    let script = "a=1 b+=2\nfor c in x; do :; done\nread -r -p 'say ' d e <&3\nlocal f=1 g\nexport h=2\n\
        mapfile -t i < x\nprintf -v j %s 1\nwhile getopts ab k; do :; done\n: \"${l:=1}\"\n((m = 2))\nexec {n}>x\n\
        readonly o=1; declare -a p; let q=1; select r in a; do :; done; s[0]=1; echo $((t = 1))";
    let facts = facts(script);
    for name in "abcdefghijklmnopqrst".chars().filter(|c| *c != 's').map(String::from) {
        assert!(facts.bound.contains_key(&name), "{name}");
    }
    assert!(facts.bound.contains_key("s") && facts.bound.contains_key("OPTARG"));
    assert!(!facts.bound.contains_key("x"));
}

#[test]
fn uses_are_found_wherever_they_stand() {
    let script = "echo \"$A ${B}\" ${C%x} $((D + 1)) \"$(cat \"$E\" <(f $F))\"\ncat <<X\n$G ${H#a}\nX\n\
        [[ $I == $J ]] > \"$K\"; case $L in $M) ;; esac; for n in $N; do :; done; x=${#O} y=(\"$P\")";
    let facts = facts(script);
    let mut names: Vec<&str> = facts.uses.iter().map(|found| found.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.concat(), "ABCDEFGHIJKLMNOP");
    for found in &facts.uses {
        assert!(script[found.at.clone()].contains(&found.name), "{}: {:?}", found.name, found.at);
    }
    for guarded in ["${A:-}", "${A-x}", "${A:+y}", "${A:?why}", "[[ -v A ]]", "[ -v A ]"] {
        assert!(
            self::facts(&format!("echo {guarded}").replace("echo [", "[")).guarded.contains("A"),
            "{guarded}"
        );
    }
}

#[test]
fn commands_know_their_pipe_and_their_program() {
    let facts = facts("sudo -u x env A=1 curl -fsS u | tar x && timeout 5 rm -r \"$D\" || true; y=$(a | b)");
    let programs: Vec<&str> =
        facts.commands.iter().filter_map(|command| command.program()).map(|(name, _)| name).collect();
    assert_eq!(programs, ["curl", "tar", "rm", "true", "a", "b"]);
    let [curl, tar, rm, ..] = &facts.commands[..] else { panic!() };
    assert_eq!(facts.in_pipe_before(tar).count(), 1);
    assert!(curl.pipe.is_some() && rm.pipe.is_none() && rm.tested);
    assert!(!facts.commands[3].tested);
}

#[test]
fn a_byte_of_a_script_has_its_place_in_the_file() {
    let source = "run \"a\\t\\\"é\\u{e9}x\\n$Y\"";
    let whole = Span::new(FileId(0), 4, source.len());
    let text = "a\t\"éé".to_owned() + "x\n$Y";
    let places = Places::of_string(whole, &source[4..]);
    for (part, written) in [("a", "a"), ("\"é", "\\\"é"), ("x", "x"), ("$Y", "$Y")] {
        let at = text.find(part).expect("a part of the text");
        let span = places.span(&(at..at + part.len()));
        assert_eq!(&source[span.range()], written, "{part}");
    }
    let source = "  run \"\"\"\r\n\techo é\r\n\r\n\t  fi\r\n\t\"\"\"";
    let lines: Vec<u32> =
        ["echo", "\r\n\t  fi", "  fi"].iter().map(|line| source.find(line).expect("a line") as u32).collect();
    let places = Places::of_lines(Span::new(FileId(0), 6, source.len()), "echo é\n\n  fi", &lines);
    let span = places.span(&(11..13));
    assert_eq!(&source[span.range()], "fi");
    assert_eq!(&source[places.span(&(5..7)).range()], "é");
}

/// Nothing here may take long, overflow the stack or panic.
#[test]
fn hostile_scripts_are_left_alone() {
    let long = |piece: &str| piece.repeat(60_000 / piece.len());
    for piece in [
        "$(",
        "\"$(",
        "`",
        "${x:-",
        "${x/a/",
        "{a,",
        "((",
        "( ",
        "{ ",
        "if ",
        "case x in a) ",
        "<<A ",
        "cat <<A\n",
        "[[ ( ",
        "@(",
        "a[",
        "<(",
        "\\",
        "$",
        "\"",
        "'",
        "a && ",
        "a | ",
        "$((",
        "((1+",
        "f() { ",
        "{",
        "a=(",
    ] {
        read(&long(piece));
        read(&format!("echo {}", piece.repeat(20)));
    }
    read(&format!("cat <<EOF\n{}EOF\n", "line $(a) `b` ${c}\n".repeat(50_000)));
    for closed in [("$(", ")"), ("${x:-", "}"), ("${x/a/", "}"), ("( ", ")"), ("{ ", "; }"), ("\"$(", ")\"")]
    {
        for depth in [5, 30, 10_000] {
            read(&format!("echo {}a{}", closed.0.repeat(depth), closed.1.repeat(depth)));
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_heap_of_shell_words_is_read(words in proptest::collection::vec(
        prop_oneof![
            Just("if"), Just("then"), Just("fi"), Just("$("), Just(")"), Just("${x"), Just("}"), Just("\""), Just("'"),
            Just("`"), Just("<<A"), Just("A\n"), Just("\n"), Just("|"), Just("&&"), Just("[["), Just("]]"), Just("(("),
            Just("))"), Just("case"), Just("in"), Just("esac"), Just(";;"), Just("{"), Just("é"), Just("\\"), Just("$"),
            Just("x=("), Just("for"), Just("do"), Just("done"), Just(":-"), Just("//"), Just("a"), Just(" "), Just("["),
        ], 0..60)) {
        let script = words.join(if words.len() % 2 == 0 { " " } else { "" });
        let reading = read(&script);
        for at in reading.fault.iter().map(|fault| fault.at.clone()) {
            prop_assert!(script.get(at).is_some());
        }
        for used in reading.facts.iter().flat_map(|facts| &facts.uses) {
            prop_assert!(script.get(used.at.clone()).is_some(), "{:?}", used.at);
        }
    }
}
