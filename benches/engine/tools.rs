//! The tools that run the same graph: what each is given to read and how it is called. Measures nothing.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

pub const WFL: &str = env!("CARGO_BIN_EXE_wfl");
/// Where `benches/peers.sh` installs what is no package of the system.
const INSTALLED: [&str; 2] = ["target/peers/venv/bin", "target/peers/bin"];

/// One tool, and how its files of a graph are made.
pub struct Tool {
    pub name: &'static str,
    pub command: &'static [&'static str],
    file: &'static str,
    text: fn(&[Vec<usize>]) -> String,
    /// Removed before each run, so that nothing counts as done.
    pub forget: &'static [&'static str],
    /// Takes so long that it is measured in fewer rounds.
    pub slow: bool,
}

pub const PEERS: &[Tool] = &[
    Tool {
        name: "make",
        command: &["make", "-s", "-j2", "all"],
        file: "Makefile",
        text: makefile,
        forget: &[],
        slow: false,
    },
    Tool {
        name: "ninja",
        command: &["ninja", "-j2", "all"],
        file: "build.ninja",
        text: ninja,
        forget: &[".ninja_log", ".ninja_deps"],
        slow: false,
    },
    Tool {
        name: "just",
        command: &["just", "all"],
        file: "justfile",
        text: justfile,
        forget: &[],
        slow: false,
    },
    Tool {
        name: "go-task",
        command: &["task", "-C", "2"],
        file: "Taskfile.yml",
        text: taskfile,
        forget: &[],
        slow: false,
    },
    Tool {
        name: "doit",
        command: &["doit", "-n", "2", "-P", "thread"],
        file: "dodo.py",
        text: dodo,
        forget: &[".doit.db", ".doit.db.db", ".doit.db.dat", ".doit.db.dir", ".doit.db.bak"],
        slow: false,
    },
    Tool {
        name: "snakemake",
        command: &["snakemake", "-j2", "--quiet", "all"],
        file: "Snakefile",
        text: snakefile,
        forget: &[".snakemake", "o"],
        slow: true,
    },
    Tool {
        name: "dagu",
        command: &["dagu", "start", "w.yaml"],
        file: "w.yaml",
        text: dagu,
        forget: &["dagu"],
        slow: true,
    },
];

impl Tool {
    /// Writes the graph as the tool reads it.
    pub fn write(&self, folder: &Path, needs: &[Vec<usize>]) {
        write(folder, self.file, &(self.text)(needs));
    }

    /// The program, if it is there: of the installed ones first, else on the PATH.
    pub fn program(&self) -> Option<PathBuf> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let installed = INSTALLED.iter().map(|folder| root.join(folder));
        let path = env::var_os("PATH").unwrap_or_default();
        let places: Vec<PathBuf> = installed.chain(env::split_paths(&path)).collect();
        places.into_iter().map(|place| place.join(self.command[0])).find(|file| file.is_file())
    }
}

pub fn write(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join(name), text).expect("a file");
}

fn joined(needs: &[usize], separator: &str) -> String {
    needs.iter().map(|need| format!("t{need}")).collect::<Vec<_>>().join(separator)
}

fn all(count: usize, separator: &str) -> String {
    joined(&(0..count).collect::<Vec<_>>(), separator)
}

pub fn wfl(needs: &[Vec<usize>]) -> String {
    let mut text = String::from("wfl 1\n");
    for (index, needs) in needs.iter().enumerate() {
        let needs = if needs.is_empty() { String::new() } else { format!("needs {}; ", joined(needs, ", ")) };
        let _ = writeln!(text, "stage t{index} {{ {needs}exec \"/bin/sh\", \"-c\", \"true\" }}");
    }
    text
}

/// The `;` makes it a line for the shell, as the others have one.
fn makefile(needs: &[Vec<usize>]) -> String {
    let all = all(needs.len(), " ");
    let mut text = format!(".PHONY: all {all}\nall: {all}\n");
    for (index, needs) in needs.iter().enumerate() {
        let _ = writeln!(text, "t{index}: {}\n\t@true ;", joined(needs, " "));
    }
    text
}

fn ninja(needs: &[Vec<usize>]) -> String {
    let mut text = String::from("rule r\n  command = true\n");
    for (index, needs) in needs.iter().enumerate() {
        let _ = writeln!(text, "build t{index}: r {}", joined(needs, " "));
    }
    let _ = writeln!(text, "build all: phony {}", all(needs.len(), " "));
    text
}

/// It has no limit on how many run at once: `[parallel]` helps the wide graph alone.
fn justfile(needs: &[Vec<usize>]) -> String {
    let wide = needs.iter().all(Vec::is_empty);
    let mut text = format!("{}all: {}\n", if wide { "[parallel]\n" } else { "" }, all(needs.len(), " "));
    for (index, needs) in needs.iter().enumerate() {
        let _ = writeln!(text, "t{index}: {}\n    @true", joined(needs, " "));
    }
    text
}

fn taskfile(needs: &[Vec<usize>]) -> String {
    let mut text =
        format!("version: '3'\nsilent: true\ntasks:\n  default:\n    deps: [{}]\n", all(needs.len(), ", "));
    for (index, needs) in needs.iter().enumerate() {
        let deps = joined(needs, ", ");
        let _ =
            writeln!(text, "  t{index}:\n    run: once\n    deps: [{deps}]\n    cmds: ['/bin/sh -c true']");
    }
    text
}

fn dodo(needs: &[Vec<usize>]) -> String {
    format!(
        "needs = {needs:?}\n\ndef task_t():\n    for index, some in enumerate(needs):\n        \
         yield {{'name': str(index), 'actions': ['true'], 'task_dep': ['t:%d' % need for need in some]}}\n"
    )
}

fn snakefile(needs: &[Vec<usize>]) -> String {
    format!(
        "needs = {needs:?}\n\nrule all:\n    input: expand('o/{{i}}', i=range(len(needs)))\n\nrule t:\n    \
         input: lambda w: ['o/%d' % need for need in needs[int(w.i)]]\n    output: touch('o/{{i}}')\n    \
         shell: 'true'\n"
    )
}

fn dagu(needs: &[Vec<usize>]) -> String {
    let mut text = String::from("type: graph\nmaxActiveSteps: 2\nsteps:\n");
    for (index, needs) in needs.iter().enumerate() {
        let _ = writeln!(text, "  - name: t{index}\n    command: \"true\"");
        if !needs.is_empty() {
            let _ = writeln!(text, "    depends: [{}]", joined(needs, ", "));
        }
    }
    text
}
