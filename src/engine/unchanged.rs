//! Whether what a gate reads is still what the stages it needs left: a report that was edited meanwhile is not judged.
//! Compares marks; reads no file.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Type, Value};
use crate::event::{Asked, FileMark, NodeIndex};
use crate::expr::facts::{Fact, FactKey};
use crate::expr::needs::located;
use crate::expr::{Expr, Scope};
use crate::plan::EdgeKind;

use super::judge::Judgement;
use super::kernel::Kernel;
use super::scope::visible;

/// The hash of a file or folder as it is; no fact of the language.
const MARK: &str = "file.mark";

type Values = BTreeMap<String, Value>;

impl Kernel<'_> {
    /// Judges the files that `read` names and that a stage the gate needs has left.
    pub fn judge_unchanged(&self, node: NodeIndex, read: &[&Expr], own: &Values) -> Judgement<()> {
        let left = self.left_by_needs(node);
        if left.is_empty() {
            return Judgement::Done(());
        }
        let outputs = visible(self.plan, self.state, node);
        let mut scope = self.scope(node, &outputs, &[Asked::Outputs]);
        scope.own = Some(own);
        let named: BTreeSet<String> = read
            .iter()
            .flat_map(|expr| located(expr, &scope))
            .filter_map(|(key, _)| match key.arguments.into_iter().next() {
                Some(Value::Path(path) | Value::String(path)) => Some(path),
                _ => None,
            })
            .collect();
        let holds = |file: &str, path: &str| {
            path.strip_prefix(file).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut asked = Vec::new();
        for (file, marks) in left.iter().filter(|(file, _)| named.iter().any(|path| holds(file, path))) {
            let arguments = vec![Value::Path((*file).clone())];
            let key = FactKey { name: MARK.into(), arguments, ty: Type::String };
            match scope.fact(&key) {
                None => asked.push(key),
                Some(Fact::Read(Value::String(now))) if marks.iter().any(|(_, mark)| mark.hash == now) => {}
                Some(_) => {
                    let whose = marks.first().map_or("?", |(whose, _)| self.key(*whose));
                    return Judgement::Bad(format!("{file} was changed since `{whose}` left it"));
                }
            }
        }
        if asked.is_empty() { Judgement::Done(()) } else { Judgement::Ask(asked) }
    }

    /// The files of the stages that the node needs, directly or through others.
    fn left_by_needs(&self, node: NodeIndex) -> BTreeMap<&String, Vec<(NodeIndex, &FileMark)>> {
        let mut left: BTreeMap<&String, Vec<(NodeIndex, &FileMark)>> = BTreeMap::new();
        let mut seen = BTreeSet::from([node]);
        let mut open = vec![node];
        while let Some(next) = open.pop() {
            let edges = &self.plan.nodes[next as usize].edges;
            for edge in edges.iter().filter(|edge| edge.kind != EdgeKind::Follows) {
                if seen.insert(edge.to) {
                    open.push(edge.to);
                    let files = &self.state.node(edge.to).files;
                    files.iter().for_each(|(path, mark)| left.entry(path).or_default().push((edge.to, mark)));
                }
            }
        }
        left
    }
}
