//! What a snapshot of a project costs, by its number of files: the first, the next when nothing changed (by the process
//! that took the first, and by one that knows nothing of it), and one after a file changed. Prints a table; judges
//! nothing.
//!
//! `cargo bench --bench snapshots [-- FILES…]`

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use wfl::port::Snapshots;
use wfl::workspace::snapshot::ProjectSnapshots;

const ROUNDS: usize = 15;

fn main() {
    let asked: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let sizes = if asked.is_empty() { vec![50, 1000, 20_000] } else { asked };
    println!("| project | first | next, same process | next, new process | one file changed |");
    println!("|---|---|---|---|---|");
    for files in sizes {
        for git in [true, false] {
            row(files, git);
        }
    }
}

fn row(files: usize, git: bool) {
    let dir = tempfile::tempdir().expect("a folder");
    let (root, state) = (dir.path().join("project"), dir.path().join("state"));
    fill(&root, files);
    if git {
        call(&root, &["init", "--quiet"]);
        call(&root, &["add", "--all"]);
        call(&root, &["-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "--quiet", "--message=x"]);
    }
    // Files that were written just now are read again each time: those of a project were not.
    std::thread::sleep(Duration::from_millis(2500));
    let snapshots = ProjectSnapshots::new(&root, &state, "r1").expect("snapshots");
    let began = Instant::now();
    snapshots.take().expect("a snapshot");
    let first = began.elapsed();
    let same = median(|| {
        let began = Instant::now();
        snapshots.take().expect("a snapshot");
        began.elapsed()
    });
    let new = median(|| {
        let began = Instant::now();
        let snapshots = ProjectSnapshots::new(&root, &state, "r1").expect("snapshots");
        snapshots.take().expect("a snapshot");
        began.elapsed()
    });
    let changed = median(|| {
        let text = format!("{:?}", SystemTime::now());
        fs::write(root.join("d0/f0.txt"), text).expect("a file");
        let began = Instant::now();
        snapshots.take().expect("a snapshot");
        began.elapsed()
    });
    let what = if git { "git" } else { "no git" };
    let ms = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    println!("| {files} files, {what} | {} | {} | {} | {} |", ms(first), ms(same), ms(new), ms(changed));
}

fn fill(root: &Path, files: usize) {
    for number in 0..files {
        let folder = root.join(format!("d{}", number / 20));
        fs::create_dir_all(&folder).expect("a folder");
        let text = format!("line of file {number}\n").repeat(100);
        fs::write(folder.join(format!("f{}.txt", number % 20)), text).expect("a file");
    }
}

fn call(root: &Path, arguments: &[&str]) {
    assert!(Command::new("git").args(arguments).current_dir(root).status().expect("git").success());
}

fn median(mut measured: impl FnMut() -> Duration) -> Duration {
    let mut all: Vec<Duration> = (0..ROUNDS).map(|_| measured()).collect();
    all.sort();
    all[ROUNDS / 2]
}
