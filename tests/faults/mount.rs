//! File systems of a test's own: small ones in memory, and ones in a file that can be copied. They need root; without
//! it the tests say so and are skipped.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Unmounted when dropped.
pub struct Mount {
    _folder: tempfile::TempDir,
    at: PathBuf,
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = folder.path().canonicalize().expect("a path").join("mount");
    std::fs::create_dir(&at).expect("a folder");
    (folder, at)
}

impl Mount {
    /// In memory, of a size like `1m`.
    pub fn tmpfs(size: &str) -> Option<Mount> {
        let (folder, at) = folder();
        let options = format!("size={size},mode=0700");
        mounted(folder, at, |at| run("mount", &["-t", "tmpfs", "-o", &options, "wfl-test", at]))
    }

    /// An image file with an ext4 in it; `image` is where it lies.
    pub fn image(image: &Path) -> Option<Mount> {
        let (folder, at) = folder();
        let image = image.display().to_string();
        mounted(folder, at, |at| run("mount", &["-o", "loop", &image, at]))
    }

    pub fn path(&self) -> &Path {
        &self.at
    }

    pub fn writable(&self, writable: bool) {
        let options = if writable { "remount,rw" } else { "remount,ro" };
        let at = self.at.display().to_string();
        assert!(run("mount", &["-o", options, &at]), "the mount does not change");
    }
}

/// Makes an ext4 of `megabytes` in a file.
pub fn make_image(image: &Path, megabytes: u64) -> bool {
    let file = std::fs::File::create(image).expect("a file");
    file.set_len(megabytes << 20).expect("room");
    run("mkfs.ext4", &["-q", "-F", "-b", "4096", &image.display().to_string()])
}

fn mounted(folder: tempfile::TempDir, at: PathBuf, mount: impl Fn(&str) -> bool) -> Option<Mount> {
    if !rustix::process::geteuid().is_root() || !mount(&at.display().to_string()) {
        eprintln!("skipped: this test mounts a file system of its own, which needs root (and loop devices)");
        return None;
    }
    Some(Mount { _folder: folder, at })
}

impl Drop for Mount {
    fn drop(&mut self) {
        let at = self.at.display().to_string();
        if !run("umount", &[&at]) {
            run("umount", &["-l", &at]);
        }
    }
}
