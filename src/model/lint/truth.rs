//! Conditions whose answer is known without a run: constants, and comparisons of one value that exclude each other.
//! Says nothing where it is not sure; words no message.

use std::collections::HashMap;

use crate::base::Value;
use crate::expr::{Compare, Expr, Kind, Scope, eval, pattern};
use crate::model::{Model, constant, plain_value};

use super::likeness::{behind, key};

/// Comparisons of one value that are looked at together.
const MOST: usize = 16;

/// What a value can be at all.
#[derive(Clone, Debug, Default)]
pub struct Domain {
    /// Nothing but these.
    pub words: Option<Vec<Value>>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Nothing lies between 2 and 3.
    pub whole: bool,
}

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
    judge.conjuncts(a, true, a, &mut atoms);
    judge.conjuncts(b, true, b, &mut atoms);
    judge.conflict(&atoms).is_some()
}

struct Judge<'m, 'd> {
    model: &'m Model,
    domains: Domains<'d>,
}

/// One thing that a condition asks of one value.
struct Atom<'a> {
    subject: String,
    value: &'a Expr,
    test: Test,
    /// The words of the condition that ask it.
    of: &'a Expr,
}

enum Test {
    Is(bool),
    /// One of these, or none of them.
    Among(Vec<Value>, bool),
    Bound(Compare, f64),
    Like(String, bool),
    Matches(String, bool),
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
            self.conjuncts(expr, positive, expr, &mut atoms);
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

    /// What must hold together for `expr` to be `positive`.
    fn conjuncts<'a>(&self, expr: &'a Expr, positive: bool, of: &'a Expr, atoms: &mut Vec<Atom<'a>>)
    where
        'm: 'a,
    {
        let inside = |part: &'a Expr| if std::ptr::eq(of, expr) { part } else { of };
        match (&expr.kind, positive) {
            _ if atoms.len() >= 4 * MOST => {}
            (Kind::And(parts), true) | (Kind::Or(parts), false) => {
                parts.iter().for_each(|part| self.conjuncts(part, positive, inside(part), atoms));
            }
            (Kind::Not(part), _) => self.conjuncts(part, !positive, inside(part), atoms),
            (Kind::Global(_), _) => match behind(self.model, expr) {
                // A let that is a plain `true` is a switch for people to turn.
                Some(inner) if constant(self.model, inner).is_none() => {
                    self.conjuncts(inner, positive, of, atoms);
                }
                _ => atoms.extend(self.opaque(expr, positive, of)),
            },
            (Kind::Or(parts), true) => match self.union(parts, of) {
                Some(atom) => atoms.push(atom),
                None => atoms.extend(self.opaque(expr, true, of)),
            },
            (Kind::Compare { op, sides }, _) => {
                let atom = self.comparison(*op, &sides.0, &sides.1, positive, of);
                atoms.extend(atom.or_else(|| self.opaque(expr, positive, of)));
            }
            _ => atoms.extend(self.opaque(expr, positive, of)),
        }
    }

    /// `x == "a" or x in ["b", "c"]` asks one thing of one value.
    fn union<'a>(&self, parts: &'a [Expr], of: &'a Expr) -> Option<Atom<'a>>
    where
        'm: 'a,
    {
        let mut joined: Option<Atom<'a>> = None;
        for part in parts {
            let Kind::Compare { op, sides } = &part.kind else { return None };
            let atom = self.comparison(*op, &sides.0, &sides.1, true, of)?;
            let Test::Among(values, true) = atom.test else { return None };
            match &mut joined {
                None => joined = Some(Atom { test: Test::Among(values, true), ..atom }),
                Some(Atom { subject, test: Test::Among(known, true), .. }) if *subject == atom.subject => {
                    known.extend(values);
                }
                Some(_) => return None,
            }
        }
        joined
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
        Some(Atom { subject: key(self.model, value)?, value, test, of })
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

    /// A question of its own, of which only yes and no are known; `a != b` is the opposite of `a == b`.
    fn opaque<'a>(&self, expr: &'a Expr, positive: bool, of: &'a Expr) -> Option<Atom<'a>> {
        let (subject, flipped) = match &expr.kind {
            Kind::Compare { op, sides } => {
                let (base, flipped) = match op {
                    Compare::Ne => (Compare::Eq, true),
                    Compare::Ge => (Compare::Lt, true),
                    Compare::Le => (Compare::Gt, true),
                    other => (*other, false),
                };
                let sides = (key(self.model, &sides.0)?, key(self.model, &sides.1)?);
                (format!("{base:?} {} {}", sides.0, sides.1), flipped)
            }
            _ => (key(self.model, expr)?, false),
        };
        Some(Atom { subject, value: expr, test: Test::Is(positive != flipped), of })
    }

    /// The atoms that cannot hold together, as few as can be told.
    fn conflict<'a>(&self, atoms: &[Atom<'a>]) -> Option<Vec<&'a Expr>> {
        let mut subjects: HashMap<&str, Vec<&Atom<'a>>> = HashMap::new();
        let mut order = Vec::new();
        for atom in atoms {
            let group = subjects.entry(&atom.subject).or_default();
            if group.is_empty() {
                order.push(atom.subject.as_str());
            }
            if group.len() < MOST {
                group.push(atom);
            }
        }
        order.into_iter().find_map(|subject| self.conflict_of(&subjects[subject]))
    }

    fn conflict_of<'a>(&self, group: &[&Atom<'a>]) -> Option<Vec<&'a Expr>> {
        let domain = (self.domains)(group.first()?.value);
        if !empty(&domain, group) {
            return None;
        }
        if let Some(alone) = group.iter().find(|atom| empty(&domain, &[**atom])) {
            return Some(vec![alone.of]);
        }
        for (index, first) in group.iter().enumerate() {
            let second = group[index + 1..].iter().find(|second| empty(&domain, &[*first, **second]));
            if let Some(second) = second {
                return Some(vec![first.of, second.of]);
            }
        }
        Some(group.iter().map(|atom| atom.of).collect())
    }
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

/// Whether no value of the domain passes all tests.
fn empty(domain: &Domain, atoms: &[&Atom<'_>]) -> bool {
    let is = |wanted: bool| atoms.iter().any(|atom| matches!(atom.test, Test::Is(is) if is == wanted));
    if is(true) && is(false) {
        return true;
    }
    let mut allowed = domain.words.clone();
    for atom in atoms {
        if let Test::Among(values, true) = &atom.test {
            let mut left = allowed.unwrap_or_else(|| values.clone());
            left.retain(|value| values.iter().any(|other| same(value, other)));
            allowed = Some(left);
        }
    }
    match allowed {
        Some(allowed) => !allowed.iter().any(|value| inside(domain, value) && passes(value, atoms)),
        None => no_number(domain, atoms),
    }
}

fn inside(domain: &Domain, value: &Value) -> bool {
    let Some(number) = number(value) else { return true };
    domain.low.is_none_or(|low| number >= low) && domain.high.is_none_or(|high| number <= high)
}

fn passes(value: &Value, atoms: &[&Atom<'_>]) -> bool {
    let text = match value {
        Value::String(text) | Value::Path(text) => Some(text),
        _ => None,
    };
    atoms.iter().all(|atom| match &atom.test {
        Test::Is(_) => true,
        Test::Among(values, wanted) => values.iter().any(|other| same(value, other)) == *wanted,
        Test::Bound(op, limit) => number(value).is_none_or(|number| holds(*op, number, *limit)),
        Test::Like(glob, wanted) => match (pattern::glob(glob), text) {
            (Ok(glob), Some(text)) => glob.is_match(text) == *wanted,
            _ => true,
        },
        Test::Matches(regex, wanted) => match (pattern::regex(regex), text) {
            (Ok(regex), Some(text)) => regex.is_match(text) == *wanted,
            _ => true,
        },
    })
}

/// Whether the bounds leave no room.
fn no_number(domain: &Domain, atoms: &[&Atom<'_>]) -> bool {
    let (mut low, mut high) = (domain.low.unwrap_or(f64::NEG_INFINITY), domain.high.unwrap_or(f64::INFINITY));
    let (mut above, mut below) = (false, false);
    for atom in atoms {
        let Test::Bound(op, limit) = atom.test else { continue };
        match op {
            Compare::Gt if limit >= low => (low, above) = (limit, true),
            Compare::Ge if limit > low => (low, above) = (limit, false),
            Compare::Lt if limit <= high => (high, below) = (limit, true),
            Compare::Le if limit < high => (high, below) = (limit, false),
            _ => {}
        }
    }
    if domain.whole {
        low = if above { low.floor() + 1.0 } else { low.ceil() };
        high = if below { high.ceil() - 1.0 } else { high.floor() };
        return low > high;
    }
    low > high || (low == high && (above || below))
}

fn holds(op: Compare, number: f64, limit: f64) -> bool {
    match op {
        Compare::Lt => number < limit,
        Compare::Le => number <= limit,
        Compare::Gt => number > limit,
        Compare::Ge => number >= limit,
        _ => true,
    }
}

fn same(a: &Value, b: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) | Value::Path(text) => Some(text.clone()),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b || (text(a).is_some() && text(a) == text(b)),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) | Value::Duration(n) | Value::Size(n) => Some(*n as f64),
        Value::Float(n) | Value::Percent(n) => Some(*n),
        _ => None,
    }
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
