//! Runs whole programs and says what they cost: wall and processor time, peak memory. Knows no tool and no graph.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What one run cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Microseconds.
    pub wall: f64,
    /// Microseconds of all processors, of the program and all that it waited for.
    pub processor: f64,
    /// KiB: of the largest process.
    pub memory: f64,
}

/// The small program that spawns and measures.
pub struct Gauge {
    program: PathBuf,
}

impl Gauge {
    /// Compiles it; an error in words when there is no C compiler.
    pub fn build(place: &Path) -> Result<Gauge, String> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/engine/spawner.c");
        let program = place.join("spawner");
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let built =
            Command::new(&compiler).arg("-O2").arg("-o").arg(&program).arg(&source).arg("-lpthread").status();
        match built {
            Ok(status) if status.success() => Ok(Gauge { program }),
            _ => Err(format!("{} could not compile {}", compiler.display(), source.display())),
        }
    }

    /// Nothing but the shells.
    pub fn bare(&self, count: usize, slots: usize) -> Option<Cost> {
        let (count, slots) = (count.to_string(), slots.to_string());
        cost(Command::new(&self.program).args(["bare", &count, &slots]))
    }

    /// A program of its own; `None` when it cannot be started or fails.
    pub fn run(
        &self,
        folder: &Path,
        program: &Path,
        arguments: &[&str],
        env: &[(&str, PathBuf)],
    ) -> Option<Cost> {
        let mut command = Command::new(&self.program);
        command.arg("gauge").arg(program).args(arguments).current_dir(folder);
        cost(command.envs(env.iter().map(|(name, value)| (name, value))))
    }
}

fn cost(command: &mut Command) -> Option<Cost> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.split_whitespace().map(|word| word.parse::<f64>().ok());
    Some(Cost { wall: numbers.next()??, processor: numbers.next()??, memory: numbers.next()?? })
}

/// The middle one; 0 of none.
pub fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
