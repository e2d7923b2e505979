//! The original's quality gates and what stands for each in `.wfl`. Reads and writes nothing.

/// The original's four tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Ruff,
    Mypy,
    Pytest,
    Bandit,
}

impl Tool {
    pub const ALL: [Tool; 4] = [Tool::Ruff, Tool::Mypy, Tool::Pytest, Tool::Bandit];

    /// Those that had to pass where a lane did not say.
    pub const REQUIRED: [Tool; 3] = [Tool::Ruff, Tool::Mypy, Tool::Pytest];

    pub fn word(self) -> &'static str {
        match self {
            Tool::Ruff => "ruff",
            Tool::Mypy => "mypy",
            Tool::Pytest => "pytest",
            Tool::Bandit => "bandit",
        }
    }

    pub fn of(word: &str) -> Option<Tool> {
        Tool::ALL.into_iter().find(|tool| tool.word() == word)
    }

    /// The gate as a lane includes it.
    pub fn gate(self) -> &'static str {
        match self {
            Tool::Ruff => "std.python.ruff",
            Tool::Mypy => "std.python.mypy",
            Tool::Pytest => "std.python.pytest",
            Tool::Bandit => "bandit",
        }
    }

    /// The same check as a stage whose failure is only a warning.
    pub fn advice(self) -> &'static str {
        match self {
            Tool::Ruff => "ruff-advice",
            Tool::Mypy => "mypy-advice",
            Tool::Pytest => "pytest-advice",
            Tool::Bandit => "bandit-advice",
        }
    }

    pub fn command(self) -> &'static str {
        match self {
            Tool::Ruff => r#""ruff", "check", ".""#,
            Tool::Mypy => r#""mypy", ".""#,
            Tool::Pytest => r#""python3", "-m", "pytest", "-q""#,
            Tool::Bandit => r#""bandit", "-q", "-r", ".""#,
        }
    }
}

/// The gate of coverage, as a lane includes it.
pub(super) const COVERAGE: &str = "coverage";

/// The gates of one lane.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gates {
    /// Gates that must pass.
    pub required: Vec<Tool>,
    /// Tools that run, and whose findings only warn.
    pub advised: Vec<Tool>,
    /// Gates that are held and waived, as the lane names them.
    pub skipped: Vec<&'static str>,
    /// In percent; none where any coverage will do.
    pub coverage: Option<f64>,
    pub strict: bool,
}

impl Gates {
    pub const LEAST: f64 = 70.0;
    /// What the lane `heavy` asked for.
    pub const STRICT_LEAST: f64 = 85.0;

    pub fn none() -> Gates {
        Gates {
            required: Vec::new(),
            advised: Vec::new(),
            skipped: Vec::new(),
            coverage: None,
            strict: false,
        }
    }
}
