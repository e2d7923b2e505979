//! Reads what room this machine has: processors by affinity and cgroup quota, free memory by the kernel's and the
//! cgroup's count, load, pressure. A file that is not there leaves its part out. Judges nothing.

use std::fs;
use std::path::{Path, PathBuf};

use crate::port::room::{Load, Memory, Room};

/// Where cgroup hierarchies are mounted, by the controller's name; version 2 has none.
const MOUNTS: &[(&str, &[&str])] = &[
    ("", &["sys/fs/cgroup", "sys/fs/cgroup/unified"]),
    ("cpu", &["sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct"]),
    ("memory", &["sys/fs/cgroup/memory"]),
];

/// The room this process has now.
pub fn read() -> Room {
    below(Path::new("/"))
}

/// The same with the files of `/proc` and `/sys` below another folder.
pub fn below(root: &Path) -> Room {
    let machine = Machine { root, groups: groups(root) };
    let (processors, limited_by) = machine.processors();
    Room {
        processors,
        limited_by,
        memory: machine.memory(),
        load: machine.load(),
        processor_stall: machine.stall("cpu", "some"),
        memory_stall: machine.stall("memory", "full"),
    }
}

struct Machine<'r> {
    root: &'r Path,
    /// The folders of our cgroups with those around them, innermost first, by controller.
    groups: Vec<(&'static str, PathBuf)>,
}

impl Machine<'_> {
    fn processors(&self) -> (u32, String) {
        let allowed = self.allowed();
        let of = if allowed == 1 { "1 processor".to_owned() } else { format!("{allowed} processors") };
        match self.quota().filter(|quota| *quota < f64::from(allowed)) {
            // What is left of one is better used than not.
            Some(quota) => ((quota.ceil() as u32).max(1), format!("a quota of {quota:.1} of {of}")),
            None => (allowed, of),
        }
    }

    /// By affinity.
    fn allowed(&self) -> u32 {
        let status = self.text("proc/self/status").unwrap_or_default();
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        list.and_then(count).unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(1, |count| count.get().min(u32::MAX as usize) as u32)
        })
    }

    /// In processors; the tightest around us.
    fn quota(&self) -> Option<f64> {
        let quotas = self.groups.iter().filter_map(|(controller, folder)| match *controller {
            "" => {
                let text = fs::read_to_string(folder.join("cpu.max")).ok()?;
                let mut words = text.split_whitespace();
                ratio(words.next()?.parse().ok()?, words.next()?.parse().ok()?)
            }
            "cpu" => ratio(
                number(&folder.join("cpu.cfs_quota_us")).filter(|quota| *quota > 0.0)?,
                number(&folder.join("cpu.cfs_period_us"))?,
            ),
            _ => None,
        });
        quotas.min_by(f64::total_cmp)
    }

    fn memory(&self) -> Option<Memory> {
        let text = self.text("proc/meminfo")?;
        let kilobytes = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
        };
        let total = kilobytes("MemTotal:")?;
        let machine = Memory { free: kilobytes("MemAvailable:")?, total };
        let limits = self.groups.iter().filter_map(|(controller, folder)| limit(controller, folder, total));
        Some(limits.fold(machine, |least, next| if next.free < least.free { next } else { least }))
    }

    fn load(&self) -> Option<Load> {
        let text = self.text("proc/loadavg")?;
        let mut words = text.split_whitespace();
        let minute = words.next()?.parse().ok()?;
        let running: u32 = words.nth(2)?.split('/').next()?.parse().ok()?;
        Some(Load { minute, now: running.saturating_sub(1) })
    }

    /// Of our own cgroup where it keeps one, else of the machine.
    fn stall(&self, of: &str, line: &str) -> Option<f64> {
        let own = self.groups.iter().find(|(controller, _)| controller.is_empty());
        let own = own.and_then(|(_, folder)| fs::read_to_string(folder.join(format!("{of}.pressure"))).ok());
        let text = own.or_else(|| self.text(&format!("proc/pressure/{of}")))?;
        let line = text.lines().find(|found| found.starts_with(line))?;
        line.split_whitespace().find_map(|word| word.strip_prefix("avg10="))?.parse().ok()
    }

    fn text(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok()
    }
}

/// What a cgroup leaves: its limit less what it uses, of which cache that nobody looked at lately can be had back.
fn limit(controller: &str, folder: &Path, machine: u64) -> Option<Memory> {
    let (most, used, cache) = match controller {
        "" => ("memory.max", "memory.current", "inactive_file "),
        "memory" => ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file "),
        _ => return None,
    };
    let total = whole(&folder.join(most)).filter(|total| *total < machine)?;
    let used = whole(&folder.join(used))?;
    let stat = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cache = stat.lines().find_map(|line| line.strip_prefix(cache)?.trim().parse::<u64>().ok());
    Some(Memory { free: total.saturating_sub(used.saturating_sub(cache.unwrap_or_default())), total })
}

/// Our cgroups as `/proc/self/cgroup` names them. In a container that path may not be there: then what is mounted is
/// all there is.
fn groups(root: &Path) -> Vec<(&'static str, PathBuf)> {
    let text = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut found = Vec::new();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        for (controller, mounts) in MOUNTS {
            if controllers.split(',').any(|name| name == *controller) {
                let mounts = mounts.iter().map(|mount| root.join(mount)).filter(|mount| mount.is_dir());
                mounts
                    .for_each(|mount| found.extend(around(&mount, path).map(|folder| (*controller, folder))));
            }
        }
    }
    found
}

fn around(mount: &Path, path: &str) -> impl Iterator<Item = PathBuf> {
    let own = mount.join(path.trim_start_matches('/'));
    let folders: Vec<PathBuf> =
        own.ancestors().take_while(|folder| folder.starts_with(mount)).map(Path::to_path_buf).collect();
    folders.into_iter().filter(|folder| folder.is_dir())
}

/// `0-3,8` are five.
fn count(list: &str) -> Option<u32> {
    let mut all = 0_u32;
    for part in list.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        all = all.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(all.max(1))
}

fn ratio(quota: f64, period: f64) -> Option<f64> {
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

fn number(path: &Path) -> Option<f64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn whole(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine of files.
    fn machine(files: &[(&str, &str)]) -> Room {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        below(root.path())
    }

    const STATUS: (&str, &str) = ("proc/self/status", "Name:\twfl\nCpus_allowed_list:\t0-3,8\n");
    const MEMINFO: (&str, &str) =
        ("proc/meminfo", "MemTotal:        8000000 kB\nMemFree: 1 kB\nMemAvailable:    6000000 kB\n");

    #[test]
    fn a_plain_machine_is_read_as_it_is() {
        let room = machine(&[
            STATUS,
            MEMINFO,
            ("proc/loadavg", "3.42 2.02 2.86 3/109 1187\n"),
            ("proc/pressure/cpu", "some avg10=90.24 avg60=72.05 avg300=27.54 total=81\nfull avg10=0.00\n"),
            ("proc/pressure/memory", "some avg10=7.00 avg60=0.2\nfull avg10=1.50 avg60=0.18\n"),
        ]);
        assert_eq!((room.processors, room.limited_by.as_str()), (5, "5 processors"));
        assert_eq!(room.memory, Some(Memory { free: 6_000_000 * 1024, total: 8_000_000 * 1024 }));
        assert_eq!(room.load, Some(Load { minute: 3.42, now: 2 }));
        assert_eq!((room.processor_stall, room.memory_stall), (Some(90.24), Some(1.5)));
    }

    #[test]
    fn the_tightest_cgroup_of_version_2_counts() {
        let room = machine(&[
            STATUS,
            MEMINFO,
            ("proc/self/cgroup", "0::/ci/job\n"),
            ("sys/fs/cgroup/ci/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/ci/job/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/ci/memory.max", "1000000000\n"),
            ("sys/fs/cgroup/ci/memory.current", "900000000\n"),
            ("sys/fs/cgroup/ci/memory.stat", "anon 1\ninactive_file 200000000\n"),
            ("sys/fs/cgroup/ci/job/memory.max", "max\n"),
        ]);
        assert_eq!((room.processors, room.limited_by.as_str()), (2, "a quota of 1.5 of 5 processors"));
        assert_eq!(room.memory, Some(Memory { free: 300_000_000, total: 1_000_000_000 }));
    }

    #[test]
    fn version_1_says_the_same_in_other_files_and_a_path_that_is_not_there_is_the_mount() {
        let room = machine(&[
            STATUS,
            MEMINFO,
            ("proc/self/cgroup", "8:memory:/docker/x\n1:cpu,cpuacct:/docker/x\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "500000000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000000\n"),
        ]);
        assert_eq!(room.processors, 1);
        assert_eq!(room.memory, Some(Memory { free: 400_000_000, total: 500_000_000 }));
    }

    #[test]
    fn no_limit_is_none() {
        let room = machine(&[
            STATUS,
            MEMINFO,
            ("proc/self/cgroup", "8:memory:/\n1:cpu:/\n0::/\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "100000000\n"),
        ]);
        assert_eq!(room.processors, 5);
        assert_eq!(room.memory.map(|memory| memory.free), Some(6_000_000 * 1024));
    }

    #[test]
    fn what_cannot_be_read_or_makes_no_sense_is_left_out() {
        let room = machine(&[
            ("proc/self/status", "Cpus_allowed_list:\t3-1\n"),
            ("proc/meminfo", "MemTotal: lots\n"),
            ("proc/loadavg", "no"),
            ("proc/pressure/cpu", "some total=1"),
        ]);
        assert!(room.processors >= 1);
        assert_eq!(
            room,
            Room { processors: room.processors, limited_by: room.limited_by.clone(), ..Room::default() }
        );
        assert_eq!(machine(&[]).memory, None);
    }
}
