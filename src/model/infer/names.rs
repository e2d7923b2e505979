//! Names: what a path stands for in its module, and what is said of one that nothing defines.

use std::collections::HashMap;

use crate::base::{Name, Span, Type, suggest};
use crate::diag::{Diagnostic, codes};
use crate::expr::{builtin, facts};
use crate::syntax::ast::{Access, Ident, Step};

use super::super::ModuleId;
use super::super::report::Report;
use super::walk::{Found, Walk, lost};
use super::{Definitions, Names, Symbol, fit, foreign};

/// Words that cannot name values: each is a namespace.
pub(super) const RESERVED: [&str; 11] =
    ["git", "change", "project", "file", "process", "program", "env", "out", "lane", "stage", "std"];

/// Which names of a module a path is looked up in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    Values,
    /// The stages and gates among the values; an unknown one is E202.
    Stages,
    Lanes,
    Tools,
    Retries,
    Repairs,
    Pools,
}

impl Namespace {
    fn of(self, names: &Names) -> &HashMap<Name, (Symbol, Span)> {
        match self {
            Namespace::Values | Namespace::Stages => &names.values,
            Namespace::Lanes => &names.lanes,
            Namespace::Tools => &names.tools,
            Namespace::Retries => &names.retries,
            Namespace::Repairs => &names.repairs,
            Namespace::Pools => &names.pools,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Namespace::Values => "name",
            Namespace::Stages => "stage",
            Namespace::Lanes => "lane",
            Namespace::Tools => "tool",
            Namespace::Retries => "retry",
            Namespace::Repairs => "repair",
            Namespace::Pools => "pool",
        }
    }

    fn holds(self, symbol: Symbol) -> bool {
        self != Namespace::Stages || matches!(symbol, Symbol::Stage(_))
    }
}

/// What a symbol is, for sentences.
pub(super) fn kind(symbol: Symbol) -> &'static str {
    match symbol {
        Symbol::Global(_) => "value",
        Symbol::Function(_) => "function",
        Symbol::Stage(_) => "stage",
        Symbol::Tool(_) => "tool",
        Symbol::Lane(_) => "lane",
        Symbol::Retry(_) => "retry",
        Symbol::Repair(_) => "repair rule",
        Symbol::Pool(_) => "pool",
        Symbol::Module(_) => "module",
    }
}

/// `a`, `alias.a` or `std.retry.network` in a namespace; reports what is not there.
pub fn path_symbol(
    definitions: &dyn Definitions,
    module: ModuleId,
    parts: &[Ident],
    namespace: Namespace,
    report: &mut Report,
) -> Option<Symbol> {
    let (owner, name) = owner(definitions, module, parts, report)?;
    let names = definitions.names(owner);
    match namespace.of(names).get(&name.text) {
        Some((symbol, _)) if namespace.holds(*symbol) => {
            definitions.mark_used(*symbol);
            tell_deprecated(definitions, *symbol, name, report);
            Some(*symbol)
        }
        Some((symbol, defined)) => {
            let text = format!("`{}` is a {}, and a stage or gate is needed here", name.text, kind(*symbol));
            let code = &codes::E202;
            report.push(Diagnostic::new(code, name.span, text).related(*defined, "defined here"));
            None
        }
        None => {
            missing(definitions, (module, owner), name, namespace, report);
            None
        }
    }
}

/// W901: a use of something that is marked as deprecated.
pub fn tell_deprecated(definitions: &dyn Definitions, symbol: Symbol, name: &Ident, report: &mut Report) {
    let Some(old) = definitions.deprecated(symbol, name.span) else { return };
    let since = old.since.map(|since| format!(" since {since}")).unwrap_or_default();
    let message = format!("{} `{}` is deprecated{since}", kind(symbol), name.text);
    let found = Diagnostic::new(&codes::W901, name.span, message).related(old.span, "marked here");
    report.push(match old.instead {
        None => found.help("it still works; find out from its documentation what to use"),
        Some((instead, false)) => found.help(format!("use `{instead}`")),
        Some((instead, true)) => found.help(format!("use `{instead}`")).fix(true, name.span, instead),
    });
}

/// The module that should define a path's last part.
fn owner<'p>(
    definitions: &dyn Definitions,
    module: ModuleId,
    parts: &'p [Ident],
    report: &mut Report,
) -> Option<(ModuleId, &'p Ident)> {
    match parts {
        [name] => Some((module, name)),
        [std, library, name] if std.text == "std" => match definitions.std_module(&library.text) {
            Some(owner) => Some((owner, name)),
            None => {
                report.unknown(module, "standard module", &library.text, library.span, Vec::new());
                None
            }
        },
        [alias, name] => match definitions.names(module).imports.get(&alias.text) {
            Some((owner, _)) => {
                definitions.mark_used(Symbol::Module(*owner));
                Some((*owner, name))
            }
            None => {
                let imports = &definitions.names(module).imports;
                let known = imports.iter().map(|(name, (_, span))| (name.clone(), Some(*span))).collect();
                report.unknown(module, "import", &alias.text, alias.span, known);
                None
            }
        },
        [first, .., last] => {
            let text = "a name is `a`, `import.a` or `std.module.a`";
            report.push(Diagnostic::new(&codes::E102, first.span.to(last.span), text));
            None
        }
        [] => None,
    }
}

fn missing(
    definitions: &dyn Definitions,
    (module, owner): (ModuleId, ModuleId),
    name: &Ident,
    namespace: Namespace,
    report: &mut Report,
) {
    let names = definitions.names(owner);
    let word = namespace.word();
    let wanted = report.wants_suggestions(module, word, &name.text);
    let known = if wanted { suggestions(namespace, names) } else { Vec::new() };
    if owner != module {
        let near = crate::base::suggest::nearest(&name.text, known.iter().map(|(known, _)| known.as_str()));
        let text = format!("the module defines no {word} `{}`", name.text);
        let help = crate::base::suggest::did_you_mean(&near);
        report.push(Diagnostic::new(&codes::E126, name.span, text).help_if(help));
        return;
    }
    match elsewhere(names, &name.text) {
        Some((symbol, _)) if namespace != Namespace::Values => {
            let help = format!("`{}` is a {}, not a {word}", name.text, kind(symbol));
            report.unknown_with(module, word, &name.text, name.span, help);
        }
        _ => report.unknown(module, word, &name.text, name.span, known),
    }
}

fn suggestions(namespace: Namespace, names: &Names) -> Vec<(Name, Option<Span>)> {
    let fits = |(name, (symbol, span)): (&Name, &(Symbol, Span))| {
        namespace.holds(*symbol).then(|| (name.clone(), Some(*span)))
    };
    namespace.of(names).iter().filter_map(fits).collect()
}

/// The same name in another namespace of the module.
fn elsewhere(names: &Names, name: &str) -> Option<(Symbol, Span)> {
    [&names.values, &names.lanes, &names.tools, &names.retries, &names.repairs, &names.pools]
        .into_iter()
        .find_map(|map| map.get(name))
        .copied()
}

impl Walk<'_, '_> {
    /// Whether a bare name means something here.
    pub(super) fn knows(&self, name: &str) -> bool {
        let among = |list: &[(String, Type)]| list.iter().any(|(known, _)| known == name);
        self.variables.iter().any(|(known, _, _)| known == name)
            || among(self.place.locals)
            || among(self.place.matrix)
            || among(self.place.measures)
            || self.definitions.names(self.place.module).values.contains_key(name)
    }

    /// Reports a bare name that means nothing here.
    pub(super) fn lost_name(&mut self, name: &str, span: Span, want: Option<&Type>) -> Found {
        let module = self.place.module;
        let names = self.definitions.names(module);
        let help = if RESERVED.contains(&name) {
            Some(namespace_help(name))
        } else if names.imports.contains_key(name) {
            Some(format!("`{name}` is an imported module: name what you want of it, `{name}.…`"))
        } else if let Some((symbol, _)) = elsewhere(names, name) {
            Some(format!("`{name}` is a {}, which is not a value", kind(symbol)))
        } else if builtin::find(name).is_some() {
            Some(format!("`{name}` is a function: call it, `{name}(…)`"))
        } else {
            self.minus(name).or_else(|| self.own(name)).or_else(|| foreign::word(name).map(str::to_owned))
        };
        match help {
            Some(help) => self.report.unknown_with(module, "value", name, span, help),
            None if !self.report.wants_suggestions(module, "value", name) => {
                self.report.unknown(module, "value", name, span, Vec::new());
            }
            None => {
                let known = self.candidates();
                let near = suggest::nearest(name, known.iter().map(|(known, _)| known.as_str()));
                let text = matches!(want.map(Type::required), Some(Type::String | Type::Path));
                if text && near.is_empty() {
                    let help = format!("a text stands in quotes: `\"{name}\"`");
                    self.report.unknown_with(module, "value", name, span, help);
                } else {
                    self.report.unknown(module, "value", name, span, known);
                }
            }
        }
        lost(span)
    }

    /// `std.x` without the name of something in it.
    pub(super) fn lost_library(&mut self, access: &Access) {
        let Some(Step::Member(library)) = access.steps.first() else { return };
        let module = self.place.module;
        let help = match self.definitions.std_module(&library.text) {
            Some(_) => format!("name what you want of it: `std.{}.NAME`", library.text),
            None => "the standard library is used as `std.retry.network`, `std.lanes.standard`".to_owned(),
        };
        let span = access.base.span.to(library.span);
        self.report.unknown_with(module, "value", &format!("std.{}", library.text), span, help);
    }

    /// `a-b` of two known names: a minus without spaces.
    fn minus(&self, name: &str) -> Option<String> {
        let mut cuts = name.match_indices('-');
        cuts.find_map(|(cut, _)| {
            let (left, right) = (&name[..cut], &name[cut + 1..]);
            let number = !right.is_empty() && right.bytes().all(|byte| byte.is_ascii_digit());
            (self.knows(left) && (number || self.knows(right)))
                .then(|| format!("`{name}` is one name; a minus needs spaces: `{left} - {right}`"))
        })
    }

    /// W116: `a-b` of a quantity, where `a` and `b` are quantities too: read as a name, it may be meant as a difference.
    pub(super) fn hyphen(&mut self, name: &str, ty: &Type, span: Span) {
        if !fit::is_quantity(ty) || !name.contains('-') {
            return;
        }
        let of = |half: &str| {
            let digits = half.bytes().all(|byte| byte.is_ascii_digit());
            match self.definitions.names(self.place.module).values.get(half) {
                Some((Symbol::Global(index), _)) => fit::is_quantity(&self.definitions.global(*index).0),
                _ => digits && !half.is_empty(),
            }
        };
        let cut = name.match_indices('-').find(|(cut, _)| of(&name[..*cut]) && of(&name[cut + 1..]));
        if let Some((cut, _)) = cut {
            let (left, right) = (&name[..cut], &name[cut + 1..]);
            let text = format!("`{name}` is one name here, and `{left}` and `{right}` mean something too");
            let help = format!(
                "for the difference write `{left} - {right}`; else rename `{name}`, as `{left}_{right}`"
            );
            self.report.push(Diagnostic::new(&codes::W116, span, text).help(help));
        }
    }

    /// An output of the stage itself, without its `out.`.
    fn own(&self, name: &str) -> Option<String> {
        let facts = self.definitions.stage(self.place.stage?);
        let known = facts.outputs.iter().any(|(output, _, _)| *output == name);
        known.then(|| format!("the stage's own output is `out.{name}`"))
    }

    fn candidates(&self) -> Vec<(Name, Option<Span>)> {
        let names = self.definitions.names(self.place.module);
        let locals = [self.place.locals, self.place.matrix, self.place.measures]
            .into_iter()
            .flatten()
            .map(|(name, _)| (Name::from(name.as_str()), None));
        let variables = self.variables.iter().map(|(name, _, _)| (name.as_str().into(), None));
        let values = names.values.iter().map(|(name, (_, span))| (name.clone(), Some(*span)));
        let facts = facts::TABLE
            .iter()
            .filter(|row| row.arguments.is_empty() && !row.name.contains('.'))
            .map(|row| (row.name.into(), None));
        values.chain(locals).chain(variables).chain(facts).collect()
    }
}

fn namespace_help(name: &str) -> String {
    let members: Vec<&str> =
        facts::TABLE.iter().map(|row| row.name).filter(|row| row.starts_with(&format!("{name}."))).collect();
    match name {
        "env" => "an environment variable is `env(\"NAME\")`".to_owned(),
        "out" => "an output of the stage itself is `out.NAME`".to_owned(),
        "std" => "the standard library is used as `std.retry.network`, `std.lanes.standard`".to_owned(),
        _ if members.is_empty() => format!("`{name}` is reserved and has no value here"),
        _ => format!("`{name}` is a namespace of {}", members.join(", ")),
    }
}
