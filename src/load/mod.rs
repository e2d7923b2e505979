//! Files → units: finds, reads and links modules, the built-in library included. Knows no keyword but `import`.

mod edited;
mod files;
mod imports;
mod std_files;
mod text;
mod trees;
pub mod yaml;

use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::base::{FileId, SourceFile, SourceMap, Span};
use crate::diag::{self, Diagnostic, codes};
use crate::syntax::ast::File;
use crate::syntax::module::{Import, Unit};

use edited::Edited;
use trees::Known;

pub use files::{Disk, Files, Memory};
pub use std_files::std_modules;
pub use text::add as add_text;

/// More files than this are a mistake, or an attack.
const MAX_FILES: usize = 1_000;
/// And more text than this is not written by people.
const MAX_IMPORTED: usize = 64 << 20;

/// What to load. Paths are absolute or relative to `cwd`; none means the project's own `*.wfl`.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub root: PathBuf,
    /// Where the command runs: paths are shown relative to it.
    pub cwd: PathBuf,
    pub paths: Vec<PathBuf>,
}

/// Every file that belongs to the check, linked. Units stand in the order they were named or met, `std` last.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub root: PathBuf,
    pub sources: SourceMap,
    pub units: Vec<Unit>,
    pub diagnostics: Vec<Diagnostic>,
    pub kept: Kept,
}

/// What [`again`] needs besides of an earlier time.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// What the text of each unit alone brought; the diagnostics hold it too.
    found: Vec<Vec<Diagnostic>>,
    /// Where each source was read from: its path, and the same with links followed.
    paths: HashMap<FileId, (PathBuf, PathBuf)>,
}

/// Loads the named files, the project's settings, what they import, and the modules of `std` they mention.
pub fn load(request: &Request, files: &dyn Files) -> Loaded {
    load_with(request, files, &[])
}

/// Like [`load`], with some modules of `std` whether mentioned or not, such as `lanes`.
pub fn load_with(request: &Request, files: &dyn Files, always: &[&str]) -> Loaded {
    run(request, files, always, Vec::new())
}

/// Like [`load_with`] after some files changed: `changed` is their new text by absolute path. All other files are
/// taken to be as they were `before`, and of files that are still the same the trees are kept.
pub fn again(
    request: &Request,
    files: &dyn Files,
    always: &[&str],
    before: Loaded,
    changed: &[(PathBuf, String)],
) -> Loaded {
    let Loaded { sources, units, kept: Kept { found, paths }, .. } = before;
    let edited = Edited::new(files, changed, &sources, &paths);
    let known = units.into_iter().zip(found);
    let known = known.map(|(unit, found)| Known {
        text: sources.get(unit.tree.id).text.clone(),
        tree: unit.tree,
        found,
    });
    run(request, &edited, always, known.collect())
}

fn run(request: &Request, files: &dyn Files, always: &[&str], known: Vec<Known>) -> Loaded {
    let cwd = normal(&request.cwd);
    let root = normal(&cwd.join(&request.root));
    let loaded = Loaded { root: root.clone(), ..Loaded::default() };
    let mut loader = Loader::new(root, cwd, files, loaded);
    loader.known = known.into_iter().map(|known| (known.tree.id, known)).collect();
    for path in loader.named(&request.paths) {
        loader.given(&path);
    }
    loader.settings();
    loader.parse();
    loader.follow_imports();
    loader.std_modules(always);
    let Loaded { units, diagnostics, .. } = &mut loader.loaded;
    imports::untie(units, diagnostics);
    diag::sort(diagnostics);
    loader.loaded
}

/// The files that a request names, each with the path it is shown under; their content is not judged.
pub fn named(request: &Request, files: &dyn Files) -> Vec<(PathBuf, String)> {
    let cwd = normal(&request.cwd);
    let root = normal(&cwd.join(&request.root));
    let loader = Loader::new(root, cwd, files, Loaded::default());
    let mut seen = std::collections::HashSet::new();
    let named = loader.named(&request.paths).into_iter().filter(|path| seen.insert(files.real(path)));
    named.map(|path| (path.clone(), loader.shown(&path))).collect()
}

struct Loader<'a> {
    root: PathBuf,
    cwd: PathBuf,
    files: &'a dyn Files,
    loaded: Loaded,
    /// Index of the unit of each real path; none for a file that could not be read and was reported.
    by_path: HashMap<PathBuf, Option<usize>>,
    /// Folder of each unit's file, and the folder its imports may not leave.
    homes: Vec<(PathBuf, PathBuf)>,
    /// Bytes of all files so far.
    read: usize,
    /// Trees of an earlier time.
    known: HashMap<FileId, Known>,
    /// Units from here on have no tree yet.
    parsed: usize,
}

impl<'a> Loader<'a> {
    fn new(root: PathBuf, cwd: PathBuf, files: &'a dyn Files, loaded: Loaded) -> Self {
        let (by_path, homes, known) = (HashMap::new(), Vec::new(), HashMap::new());
        Loader { root, cwd, files, loaded, by_path, homes, read: 0, known, parsed: 0 }
    }

    /// The files that the operands mean; a folder means its `*.wfl` and those of its `.wfl/`.
    fn named(&self, paths: &[PathBuf]) -> Vec<PathBuf> {
        if paths.is_empty() {
            return self.lanes_of(&self.root);
        }
        let mut named = Vec::new();
        for path in paths {
            let full = normal(&self.cwd.join(path));
            match self.files.read(&full) {
                Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                    named.extend(self.lanes_of(&full))
                }
                _ => named.push(full),
            }
        }
        named
    }

    fn lanes_of(&self, folder: &Path) -> Vec<PathBuf> {
        let mut found = self.files.lanes_in(folder);
        found.extend(self.files.lanes_in(&folder.join(".wfl")));
        found
    }

    fn given(&mut self, path: &Path) {
        let real = self.files.real(path);
        if self.by_path.contains_key(&real) {
            return;
        }
        match self.files.read(path) {
            Ok(bytes) => {
                self.add(path, real, bytes, true);
            }
            Err(error) => {
                let file = self.loaded.sources.add(SourceFile::new(self.shown(path), ""));
                let message = format!("`{}` cannot be read: {}", self.shown(path), reason(&error));
                let diagnostic = Diagnostic::new(&codes::E123, Span::new(file, 0, 0), message)
                    .help("name a `.wfl` file, or a folder that holds some");
                self.loaded.diagnostics.push(diagnostic);
                self.by_path.insert(real, None);
            }
        }
    }

    /// The project's settings count for every file, named or not.
    fn settings(&mut self) {
        let path = self.root.join(".wfl").join("project.wfl");
        let real = self.files.real(&path);
        if !self.by_path.contains_key(&real)
            && let Ok(bytes) = self.files.read(&path)
        {
            self.add(&path, real, bytes, false);
        }
    }

    /// Reads one file into a unit; nothing when it is no text, which is reported.
    fn add(&mut self, path: &Path, real: PathBuf, bytes: Vec<u8>, given: bool) -> Option<usize> {
        let shown = self.shown(path);
        self.read += bytes.len();
        let index = match text::add(&mut self.loaded.sources, shown.clone(), bytes) {
            Ok(file) => Some(self.unit(file, shown, false, given)),
            Err(diagnostic) => {
                self.loaded.diagnostics.push(*diagnostic);
                None
            }
        };
        if let Some(unit) = index {
            let file = self.loaded.units[unit].tree.id;
            self.loaded.kept.paths.insert(file, (path.to_owned(), real.clone()));
            let folder = path.parent().unwrap_or(&self.root).to_owned();
            let fence = if path.starts_with(&self.root) { self.root.clone() } else { folder.clone() };
            self.homes.push((folder, fence));
        }
        self.by_path.insert(real, index);
        index
    }

    fn unit(&mut self, file: FileId, name: String, std: bool, given: bool) -> usize {
        let tree = File { id: file, ..File::default() };
        self.loaded.units.push(Unit { name, std, given, tree, imports: Vec::new() });
        self.loaded.units.len() - 1
    }

    /// Gives every unit that has none its tree.
    fn parse(&mut self) {
        let Loaded { sources, units, diagnostics, kept, .. } = &mut self.loaded;
        let units = &mut units[self.parsed..];
        let text = |unit: &Unit| (unit.tree.id, sources.get(unit.tree.id).text.clone());
        let texts: Vec<(FileId, Arc<str>)> = units.iter().map(text).collect();
        for (unit, (tree, found)) in units.iter_mut().zip(trees::with_known(&texts, &mut self.known)) {
            unit.tree = tree;
            diagnostics.extend(found.iter().cloned());
            kept.found.push(found);
        }
        self.parsed += units.len();
    }

    /// Units are added while this runs; each is looked at once.
    fn follow_imports(&mut self) {
        let mut at = 0;
        while at < self.loaded.units.len() {
            if at == self.parsed {
                self.parse();
            }
            let written: Vec<imports::Written> = imports::written(&self.loaded.units[at].tree).collect();
            for import in written {
                let unit = self.import(at, &import);
                let imports::Written { alias, alias_span, span, .. } = import;
                self.loaded.units[at].imports.push(Import { alias, alias_span, span, unit });
            }
            at += 1;
        }
    }

    fn import(&mut self, from: usize, import: &imports::Written) -> Option<usize> {
        let (folder, fence) = self.homes.get(from)?.clone();
        let path = normal(&folder.join(&import.path));
        let real = self.files.real(&path);
        if !path.starts_with(&fence) || !real.starts_with(self.files.real(&fence)) {
            let message = format!("`{}` leaves the project", import.path);
            let help = format!("imports stay inside `{}`", fence.display());
            let diagnostic = Diagnostic::new(&codes::E509, import.path_span, message).help(help);
            self.loaded.diagnostics.push(diagnostic);
            return None;
        }
        if let Some(known) = self.by_path.get(&real) {
            return *known;
        }
        let too_much = match () {
            () if self.loaded.units.len() >= MAX_FILES => Some(format!("{MAX_FILES} files")),
            () if self.read >= MAX_IMPORTED => Some(format!("{} MiB", MAX_IMPORTED >> 20)),
            () => None,
        };
        if let Some(much) = too_much {
            let message = format!("more than {much} are imported");
            let diagnostic = Diagnostic::new(&codes::E123, import.path_span, message)
                .help("import less: what one lane needs fits into a few files");
            self.loaded.diagnostics.push(diagnostic);
            return None;
        }
        match self.files.read(&path) {
            Ok(bytes) => self.add(&path, real, bytes, false),
            Err(error) => {
                self.loaded.diagnostics.push(self.missing(import, &path, &folder, &error));
                None
            }
        }
    }

    fn missing(
        &self,
        import: &imports::Written,
        path: &Path,
        folder: &Path,
        error: &io::Error,
    ) -> Diagnostic {
        let shown = self.shown(path);
        let message = format!("`{}` cannot be read: {}", import.path, reason(error));
        let near: Vec<String> = path
            .parent()
            .map(|folder| self.files.lanes_in(folder))
            .unwrap_or_default()
            .iter()
            .map(|found| found.strip_prefix(folder).unwrap_or(found).display().to_string())
            .collect();
        let nearest = crate::base::suggest::nearest(&import.path, near.iter().map(String::as_str));
        let help = crate::base::suggest::did_you_mean(&nearest)
            .unwrap_or_else(|| "the path is relative to the importing file".to_owned());
        Diagnostic::new(&codes::E123, import.path_span, message)
            .label(format!("looked for at `{shown}`"))
            .help(help)
    }

    /// Modules of `std` that some text mentions, until no new one is mentioned.
    fn std_modules(&mut self, always: &[&str]) {
        let mut wanted: Vec<&str> = always.to_vec();
        let mut scanned = 0;
        let mut present: Vec<&str> = Vec::new();
        loop {
            while let Some(unit) = self.loaded.units.get(scanned) {
                wanted.extend(mentioned(&self.loaded.sources.get(unit.tree.id).text));
                scanned += 1;
            }
            let Some(name) = wanted.pop() else { return };
            let Some((name, text)) = std_modules().iter().find(|(module, _)| *module == name) else {
                continue;
            };
            if !present.contains(name) {
                present.push(name);
                let file = self.loaded.sources.add(SourceFile::new(format!("std/{name}.wfl"), *text));
                self.unit(file, format!("std.{name}"), true, false);
                self.parse();
            }
        }
    }

    /// Relative to where the command runs when the file is there or below, or in the project above.
    fn shown(&self, path: &Path) -> String {
        if let Ok(below) = path.strip_prefix(&self.cwd) {
            return below.display().to_string();
        }
        if path.starts_with(&self.root)
            && let Ok(up) = self.cwd.strip_prefix(&self.root)
            && let Ok(below) = path.strip_prefix(&self.root)
        {
            let ups: PathBuf = up.components().map(|_| Component::ParentDir).collect();
            return ups.join(below).display().to_string();
        }
        path.display().to_string()
    }
}

/// The modules whose `std.name` stands in the text as whole words. A mention in a comment loads a module that nobody
/// reads.
fn mentioned(text: &str) -> Vec<&'static str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut found = Vec::new();
    for (at, word) in text.match_indices("std.").filter(|(at, _)| !text[..*at].ends_with(is_word)) {
        let rest = &text[at + word.len()..];
        let end = rest.find(|c: char| c == '.' || !is_word(c)).unwrap_or(rest.len());
        let named = std_modules().iter().map(|(name, _)| *name).find(|name| *name == &rest[..end]);
        found.extend(named.filter(|name| !found.contains(name)));
    }
    found
}

/// Without `.` and `..`, by text alone.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &Memory, paths: &[&str]) -> Loaded {
        let paths = paths.iter().map(PathBuf::from).collect();
        load(&Request { root: "/p".into(), cwd: "/p".into(), paths }, files)
    }

    fn found(loaded: &Loaded) -> Vec<String> {
        loaded.diagnostics.iter().map(|d| format!("{} {}", loaded.sources.place(d.span), d.code.id)).collect()
    }

    fn names(loaded: &Loaded) -> Vec<&str> {
        loaded.units.iter().map(|unit| unit.name.as_str()).collect()
    }

    #[test]
    fn without_paths_the_project_is_loaded_and_std_only_when_mentioned() {
        let files = Memory::default()
            .with("/p/b.wfl", "stage x { retry std.retry.network }")
            .with("/p/a.wfl", "wfl 1")
            .with("/p/.wfl/project.wfl", "wfl 1")
            .with("/p/deep/c.wfl", "wfl 1");
        let loaded = check(&files, &[]);
        assert_eq!(names(&loaded), ["a.wfl", "b.wfl", ".wfl/project.wfl", "std.retry"]);
        assert_eq!(names(&check(&files, &["a.wfl"])), ["a.wfl", ".wfl/project.wfl"]);
        assert!(!check(&files, &["a.wfl"]).units[1].given);
        assert_eq!(names(&check(&files, &["deep"])), ["deep/c.wfl", ".wfl/project.wfl"]);
    }

    #[test]
    fn a_file_imported_twice_is_one_unit_and_paths_are_relative_to_the_importer() {
        let files = Memory::default()
            .with("/p/a.wfl", "import \"lib/b.wfl\" as b\nimport \"./lib/../lib/c.wfl\" as c")
            .with("/p/lib/b.wfl", "import \"c.wfl\" as c")
            .with("/p/lib/c.wfl", "wfl 1");
        let loaded = check(&files, &["a.wfl"]);
        assert_eq!(names(&loaded), ["a.wfl", "lib/b.wfl", "lib/c.wfl"]);
        assert_eq!(loaded.units[0].imports[1].unit, loaded.units[1].imports[0].unit);
        assert!(loaded.diagnostics.is_empty());
    }

    #[test]
    fn missing_and_escaping_imports_stand_at_their_path() {
        let files = Memory::default()
            .with(
                "/p/a.wfl",
                "import \"lib/smok.wfl\" as s\nimport \"../x.wfl\" as x\nimport \"/etc/y.wfl\" as y",
            )
            .with("/p/lib/smoke.wfl", "wfl 1");
        let loaded = check(&files, &["a.wfl", "none.wfl"]);
        assert_eq!(
            found(&loaded),
            ["a.wfl:1:8 E123", "a.wfl:2:8 E509", "a.wfl:3:8 E509", "none.wfl:1:1 E123"]
        );
        assert_eq!(loaded.diagnostics[0].help.as_deref(), Some("did you mean `lib/smoke.wfl`?"));
    }

    #[test]
    fn a_circle_is_reported_once_and_untied() {
        let files = Memory::default()
            .with("/p/a.wfl", "import \"b.wfl\" as b")
            .with("/p/b.wfl", "wfl 1\nimport \"c.wfl\" as c")
            .with("/p/c.wfl", "import \"a.wfl\" as a\nimport \"c.wfl\" as me");
        let loaded = check(&files, &[]);
        assert_eq!(found(&loaded), ["a.wfl:1:1 E124", "c.wfl:2:1 E124"]);
        assert_eq!(loaded.diagnostics[0].related.len(), 2);
        assert_eq!(loaded.units[2].imports.iter().filter(|import| import.unit.is_none()).count(), 2);
    }

    #[test]
    fn what_is_not_text_is_refused_with_its_place() {
        let files = Memory::default()
            .with("/p/bin.wfl", b"wfl 1\nx \xff\xfe".to_vec())
            .with("/p/nul.wfl", b"ab\0c".to_vec())
            .with("/p/big.wfl", vec![b'#'; 50 << 20])
            .with("/p/bom.wfl", "\u{feff}wfl 1\r\nlet a = \"x")
            .with("/p/empty.wfl", "");
        let loaded = check(&files, &[]);
        assert_eq!(
            found(&loaded),
            ["big.wfl:1:1 E012", "bin.wfl:2:3 E012", "bom.wfl:2:9 E002", "nul.wfl:1:3 E012"]
        );
        assert_eq!(names(&loaded), ["bom.wfl", "empty.wfl"]);
    }

    #[test]
    fn paths_are_shown_from_where_the_command_runs() {
        let files = Memory::default().with("/p/a.wfl", "}").with("/p/sub/b.wfl", "}");
        let request = Request {
            root: "/p".into(),
            cwd: "/p/sub".into(),
            paths: vec!["b.wfl".into(), "../a.wfl".into()],
        };
        assert_eq!(found(&load(&request, &files)), ["b.wfl:1:1 E005", "../a.wfl:1:1 E005"]);
    }

    #[test]
    fn every_std_module_parses_cleanly() {
        for (name, text) in std_modules() {
            let (tree, diagnostics) = crate::syntax::parse(FileId(0), text);
            assert!(diagnostics.is_empty() && tree.refused == 0, "{name}: {diagnostics:?}");
        }
    }

    #[test]
    fn links_are_followed_when_files_are_compared() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("p");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("b.wfl"), "wfl 1").unwrap();
        std::fs::write(folder.path().join("out.wfl"), "wfl 1").unwrap();
        std::os::unix::fs::symlink("b.wfl", root.join("link.wfl")).unwrap();
        std::os::unix::fs::symlink("../out.wfl", root.join("escape.wfl")).unwrap();
        let text = "import \"b.wfl\" as b\nimport \"link.wfl\" as l\nimport \"escape.wfl\" as e";
        std::fs::write(root.join("a.wfl"), text).unwrap();
        let request = Request { root: root.clone(), cwd: root, paths: vec!["a.wfl".into()] };
        let loaded = load(&request, &Disk);
        assert_eq!(found(&loaded), ["a.wfl:3:8 E509"]);
        assert_eq!(names(&loaded), ["a.wfl", "b.wfl"]);
    }
}
