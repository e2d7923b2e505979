//! What is decided of generated conditions agrees with trying every value.

use super::*;
use crate::base::{Span, Type};
use crate::expr::eval::Scope;
use crate::expr::facts::{Fact, FactKey};

fn at(kind: Kind) -> Expr {
    Expr { kind, span: Span::default() }
}

fn exit() -> Expr {
    at(Kind::Fact { name: "exit".into(), arguments: vec![], ty: Type::Int })
}

fn int(n: i64) -> Expr {
    at(Kind::Value(Value::Int(n)))
}

struct Exit(i64);

impl Scope for Exit {
    fn fact(&self, _: &FactKey) -> Option<Fact> {
        Some(Fact::Read(Value::Int(self.0)))
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }

    fn comparison(&mut self) -> Expr {
        use Compare::{Eq, Ge, Gt, In, Le, Lt, Ne};
        let op = [Eq, Ne, Lt, Le, Gt, Ge, In][self.below(7) as usize];
        let limit = int(self.below(6) as i64);
        let sides = match op {
            In => (exit(), at(Kind::List(vec![limit, int(self.below(6) as i64)]))),
            _ if self.below(3) == 0 => (limit, exit()),
            _ => (exit(), limit),
        };
        at(Kind::Compare { op, sides: Box::new(sides) })
    }

    fn condition(&mut self, depth: u32) -> Expr {
        let parts = |dice: &mut Self| (0..2 + dice.below(2)).map(|_| dice.condition(depth - 1)).collect();
        match self.below(5) {
            0 if depth > 0 => at(Kind::And(parts(self))),
            1 if depth > 0 => at(Kind::Or(parts(self))),
            2 if depth > 0 => at(Kind::Not(Box::new(self.condition(depth - 1)))),
            _ => self.comparison(),
        }
    }
}

#[test]
fn every_verdict_agrees_with_trying_every_value() {
    let domain = |_: &Expr| Domain { low: Some(0.0), whole: true, ..Domain::default() };
    let model = Model::default();
    let mut dice = Dice(11);
    let (mut never, mut always, mut open) = (0, 0, 0);
    for _ in 0..4_000 {
        let condition = dice.condition(2);
        let found = decided(&model, &domain, &condition, true);
        for found in &found {
            for value in 0..9 {
                let truth = eval(found.part, &Exit(value));
                assert_eq!(truth, Ok(Value::Bool(found.always)), "{:?} at {value}", found.part);
            }
            *(if found.always { &mut always } else { &mut never }) += 1;
        }
        open += u32::from(found.is_empty());
    }
    assert!(never > 100 && always > 100 && open > 1_000, "{never} {always} {open}");
}

#[test]
fn a_comparison_of_two_unknown_values_excludes_only_its_opposite() {
    let model = Model::default();
    let branch = at(Kind::Fact { name: "git.branch".into(), arguments: vec![], ty: Type::String });
    let base = at(Kind::Fact { name: "change.base".into(), arguments: vec![], ty: Type::String });
    let compare = |op| at(Kind::Compare { op, sides: Box::new((branch.clone(), base.clone())) });
    assert!(exclusive(&model, &compare(Compare::Eq), &compare(Compare::Ne)));
    assert!(!exclusive(&model, &compare(Compare::Eq), &compare(Compare::Eq)));
    assert!(!exclusive(&model, &compare(Compare::Ne), &compare(Compare::Ne)));
}

#[test]
fn a_word_is_tried_against_patterns() {
    let model = Model::default();
    let branch = || at(Kind::Fact { name: "git.branch".into(), arguments: vec![], ty: Type::String });
    let text = |text: &str| at(Kind::Value(Value::String(text.into())));
    let compare = |op, limit: &str| at(Kind::Compare { op, sides: Box::new((branch(), text(limit))) });
    let main = compare(Compare::Eq, "main");
    assert!(exclusive(&model, &main, &compare(Compare::Like, "hotfix/**")));
    assert!(exclusive(&model, &compare(Compare::Matches, "^release/"), &main));
    assert!(!exclusive(&model, &main, &compare(Compare::Matches, "^ma")));
    assert!(!exclusive(&model, &compare(Compare::Like, "a*"), &compare(Compare::Like, "b*")));
}
