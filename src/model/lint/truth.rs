//! Conditions whose answer is known without a run: constants, and comparisons of one value that exclude each other.
//! Says nothing where it is not sure; words no message.

mod room;

use std::collections::HashMap;

use crate::base::Value;
use crate::expr::{Compare, Expr, Kind, Scope, eval};
use crate::model::{Model, constant, plain_value};

use super::likeness::{behind, key};
pub use room::Domain;
use room::{Test, number};

/// Comparisons of one value that are looked at together.
const MOST: usize = 16;
/// Lets within lets that are looked into.
const LETS: u32 = 16;

/// A condition, or a part of one, whose answer is known.
#[derive(Debug)]
pub struct Decided<'a> {
    pub part: &'a Expr,
    pub always: bool,
    /// What decides it: none for a constant, one comparison that its value's type settles, or several.
    pub by: Vec<&'a Expr>,
}

/// What can a value be?
pub type Domains<'a> = &'a dyn Fn(&Expr) -> Domain;

/// Every part of `expr` that is decided, outermost only; `condition` when the whole is a condition.
pub fn decided<'a>(
    model: &'a Model,
    domains: Domains<'_>,
    expr: &'a Expr,
    condition: bool,
) -> Vec<Decided<'a>> {
    let judge = Judge { model, domains };
    let mut found = Vec::new();
    judge.visit(expr, condition, &mut found);
    found
}

/// Whether both can never hold in one run.
pub fn exclusive(model: &Model, a: &Expr, b: &Expr) -> bool {
    let judge = Judge { model, domains: &|_| Domain::default() };
    let mut atoms = Vec::new();
    for condition in [a, b] {
        judge.conjuncts(condition, Asking { positive: true, of: None, lets: LETS }, &mut atoms);
    }
    judge.conflict(&atoms).is_some()
}

struct Judge<'m, 'd> {
    model: &'m Model,
    domains: Domains<'d>,
}

/// One thing that a condition asks of one value.
struct Atom<'a> {
    subject: Subject<'a>,
    test: Test,
    /// The words of the condition that ask it.
    of: &'a Expr,
}

#[derive(Clone, Copy)]
enum Subject<'a> {
    Value(&'a Expr),
    /// Two values that are both unknown.
    Pair(Compare, &'a Expr, &'a Expr),
}

/// How a part of a condition is asked about.
#[derive(Clone, Copy)]
struct Asking<'a> {
    positive: bool,
    /// The part in the place that is judged; what a let says stands elsewhere.
    of: Option<&'a Expr>,
    /// Lets that are still looked into.
    lets: u32,
}

struct Functions<'m>(&'m Model);

impl Scope for Functions<'_> {
    fn function(&self, index: u32) -> Option<&crate::expr::Function> {
        self.0.functions.get(index as usize)
    }
}

impl<'m> Judge<'m, '_> {
    fn visit<'a>(&self, expr: &'a Expr, condition: bool, found: &mut Vec<Decided<'a>>)
    where
        'm: 'a,
    {
        let boolean = matches!(expr.kind, Kind::And(_) | Kind::Or(_) | Kind::Not(_) | Kind::Compare { .. });
        if condition || boolean {
            let decided = self.verdict(expr);
            if let Some(decided) = decided {
                return found.push(decided);
            }
        }
        let inner = matches!(expr.kind, Kind::And(_) | Kind::Or(_) | Kind::Not(_));
        let question: Option<&Expr> = match &expr.kind {
            Kind::If(parts) => Some(&parts.0),
            Kind::Comprehension(inner) => inner.condition.as_ref(),
            _ => None,
        };
        expr.children(&mut |child| {
            let asked = inner || question.is_some_and(|question| std::ptr::eq(question, child));
            self.visit(child, asked, found);
        });
    }

    fn verdict<'a>(&self, expr: &'a Expr) -> Option<Decided<'a>>
    where
        'm: 'a,
    {
        if lost(expr) {
            return None;
        }
        if closed(expr) {
            return match eval(expr, &Functions(self.model)) {
                Ok(Value::Bool(always)) => Some(Decided { part: expr, always, by: Vec::new() }),
                _ => None,
            };
        }
        if let Some(always) = self.of_itself(expr) {
            return Some(Decided { part: expr, always, by: vec![expr] });
        }
        [(true, false), (false, true)].into_iter().find_map(|(positive, always)| {
            let mut atoms = Vec::new();
            self.conjuncts(expr, Asking { positive, of: None, lets: LETS }, &mut atoms);
            let by = self.conflict(&atoms)?;
            // What one let says alone is that let's own matter.
            let elsewhere = by.iter().all(|of| matches!(of.kind, Kind::Global(_)));
            let single = by.iter().all(|of| std::ptr::eq(*of, by[0]));
            (!(elsewhere && single)).then_some(Decided { part: expr, always, by })
        })
    }

    /// `x == x`.
    fn of_itself(&self, expr: &Expr) -> Option<bool> {
        let Kind::Compare { op, sides } = &expr.kind else { return None };
        let answer = match op {
            Compare::Eq | Compare::Le | Compare::Ge => true,
            Compare::Ne | Compare::Lt | Compare::Gt => false,
            _ => return None,
        };
        let (left, right) = (&sides.0, &sides.1);
        let named =
            |side: &Expr| !matches!(side.kind, Kind::Value(_)) && constant(self.model, side).is_none();
        let same = named(left) && named(right) && key(self.model, left)? == key(self.model, right)?;
        same.then_some(answer)
    }

    /// What must hold together for `expr` to be what is asked.
    fn conjuncts<'a>(&self, expr: &'a Expr, asking: Asking<'a>, atoms: &mut Vec<Atom<'a>>)
    where
        'm: 'a,
    {
        let of = asking.of.unwrap_or(expr);
        match (&expr.kind, asking.positive) {
            _ if atoms.len() >= 4 * MOST => {}
            (Kind::And(parts), true) | (Kind::Or(parts), false) => {
                parts.iter().for_each(|part| self.conjuncts(part, asking, atoms));
            }
            (Kind::Not(part), positive) => {
                self.conjuncts(part, Asking { positive: !positive, ..asking }, atoms);
            }
            (Kind::Or(parts), true) => atoms.push(self.union(parts, of).unwrap_or(opaque(expr, true, of))),
            (Kind::Compare { op, sides }, positive) => {
                let atom = self.comparison(*op, &sides.0, &sides.1, positive, of);
                atoms.push(atom.unwrap_or(opaque(expr, positive, of)));
            }
            (_, positive) => match behind(self.model, expr).filter(|_| asking.lets > 0) {
                // A let that is a plain `true` is a switch for people to turn.
                Some(inner) if constant(self.model, inner).is_none() => {
                    let asking = Asking { of: Some(of), lets: asking.lets - 1, ..asking };
                    self.conjuncts(inner, asking, atoms);
                }
                _ => atoms.push(opaque(expr, positive, of)),
            },
        }
    }

    /// `x == "a" or x in ["b", "c"]` asks one thing of one value.
    fn union<'a>(&self, parts: &'a [Expr], of: &'a Expr) -> Option<Atom<'a>>
    where
        'm: 'a,
    {
        let mut joined: Option<(String, Subject<'a>, Vec<Value>)> = None;
        for part in parts {
            let Kind::Compare { op, sides } = &part.kind else { return None };
            let atom = self.comparison(*op, &sides.0, &sides.1, true, of)?;
            let Test::Among(values, true) = atom.test else { return None };
            let name = self.name(atom.subject)?;
            match &mut joined {
                None => joined = Some((name, atom.subject, values)),
                Some((known, _, all)) if *known == name => all.extend(values),
                Some(_) => return None,
            }
        }
        joined.map(|(_, subject, values)| Atom { subject, test: Test::Among(values, true), of })
    }

    /// A text that only subjects of the same value share.
    fn name(&self, subject: Subject<'_>) -> Option<String> {
        match subject {
            Subject::Value(value) => key(self.model, value),
            Subject::Pair(op, left, right) => {
                Some(format!("{op:?} {} {}", key(self.model, left)?, key(self.model, right)?))
            }
        }
    }

    /// A value compared with a constant.
    fn comparison<'a>(
        &self,
        op: Compare,
        left: &'a Expr,
        right: &'a Expr,
        positive: bool,
        of: &'a Expr,
    ) -> Option<Atom<'a>>
    where
        'm: 'a,
    {
        let known = (self.value(left), self.value(right));
        let (value, limit, op) = match known {
            (None, Some(limit)) => (left, limit, op),
            (Some(limit), None) if !matches!(op, Compare::In | Compare::Like | Compare::Matches) => {
                (right, limit, turned(op))
            }
            _ => return None,
        };
        let value = self.through_lets(value);
        let text = |limit: &Value| match limit {
            Value::String(text) | Value::Path(text) => Some(text.clone()),
            _ => None,
        };
        let test = match (op, limit) {
            (Compare::Eq, limit) => Test::Among(vec![limit], positive),
            (Compare::Ne, limit) => Test::Among(vec![limit], !positive),
            (Compare::In, Value::List(items)) => Test::Among(items, positive),
            (Compare::Like, limit) => Test::Like(text(&limit)?, positive),
            (Compare::Matches, limit) => Test::Matches(text(&limit)?, positive),
            (op, limit) => Test::Bound(if positive { op } else { against(op) }, number(&limit)?),
        };
        Some(Atom { subject: Subject::Value(value), test, of })
    }

    fn value(&self, expr: &Expr) -> Option<Value> {
        plain_value(self.model, self.through_lets(expr)).filter(|value| *value != Value::Absent)
    }

    fn through_lets<'a>(&self, expr: &'a Expr) -> &'a Expr
    where
        'm: 'a,
    {
        let mut at = expr;
        for _ in 0..64 {
            at = match behind(self.model, at) {
                Some(inner) => inner,
                None => break,
            };
        }
        at
    }

    /// The atoms that cannot hold together, as few as can be told.
    fn conflict<'a>(&self, atoms: &[Atom<'a>]) -> Option<Vec<&'a Expr>> {
        if let [only] = atoms {
            return self.conflict_of(&[only]);
        }
        let mut groups: Vec<(String, Vec<&Atom<'a>>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for atom in atoms {
            let Some(name) = self.name(atom.subject) else { continue };
            let place = *places.entry(name.clone()).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, group)) if group.len() < MOST => group.push(atom),
                Some(_) => {}
                None => groups.push((name, vec![atom])),
            }
        }
        groups.iter().find_map(|(_, group)| self.conflict_of(group))
    }

    fn conflict_of<'a>(&self, group: &[&Atom<'a>]) -> Option<Vec<&'a Expr>> {
        let domain = match group.first()?.subject {
            Subject::Value(value) => (self.domains)(value),
            Subject::Pair(..) => Domain::default(),
        };
        let tests: Vec<&Test> = group.iter().map(|atom| &atom.test).collect();
        if !room::empty(&domain, &tests) {
            return None;
        }
        if let Some(alone) = group.iter().find(|atom| room::empty(&domain, &[&atom.test])) {
            return Some(vec![alone.of]);
        }
        for (index, first) in group.iter().enumerate() {
            let with = |second: &&&Atom<'_>| room::empty(&domain, &[&first.test, &second.test]);
            if let Some(second) = group[index + 1..].iter().find(with) {
                return Some(vec![first.of, second.of]);
            }
        }
        Some(group.iter().map(|atom| atom.of).collect())
    }
}

/// A question of its own, of which only yes and no are known; `a != b` is the opposite of `a == b`.
fn opaque<'a>(expr: &'a Expr, positive: bool, of: &'a Expr) -> Atom<'a> {
    let Kind::Compare { op, sides } = &expr.kind else {
        return Atom { subject: Subject::Value(expr), test: Test::Is(positive), of };
    };
    let (base, flipped) = match op {
        Compare::Ne => (Compare::Eq, true),
        Compare::Ge => (Compare::Lt, true),
        Compare::Le => (Compare::Gt, true),
        other => (*other, false),
    };
    Atom { subject: Subject::Pair(base, &sides.0, &sides.1), test: Test::Is(positive != flipped), of }
}

/// Whether a part of it could not be understood, which was reported.
fn lost(expr: &Expr) -> bool {
    let mut lost = false;
    expr.walk(&mut |part| lost |= matches!(part.kind, Kind::Value(Value::Absent)));
    lost
}

/// Whether it names nothing that a run or a person decides.
fn closed(expr: &Expr) -> bool {
    let mut open = false;
    expr.walk(&mut |part| {
        open |= matches!(
            part.kind,
            Kind::Global(_)
                | Kind::Local(_)
                | Kind::Matrix(_)
                | Kind::Measure(_)
                | Kind::Output { .. }
                | Kind::Fact { .. }
                // What a function reads stands elsewhere.
                | Kind::Call { .. }
        );
    });
    !open
}

/// The operator with its sides exchanged.
fn turned(op: Compare) -> Compare {
    match op {
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
        other => other,
    }
}

/// The operator that holds when this one does not; what has an order is never absent.
fn against(op: Compare) -> Compare {
    match op {
        Compare::Lt => Compare::Ge,
        Compare::Le => Compare::Gt,
        Compare::Gt => Compare::Le,
        Compare::Ge => Compare::Lt,
        other => other,
    }
}

#[cfg(test)]
mod tests;
