//! A small plan for tests of this layer. Knows nothing of how plans are built.

use std::collections::BTreeMap;

use crate::event::NodeIndex;
use crate::plan::{
    Definition, Edge, EdgeKind, Effect, Instances, Node, OnFailure, Parallel, Plan, StageKind,
};

/// `build ← unit ← deploy`, each needing the one before.
pub fn plan() -> Plan {
    let names = ["build", "unit", "deploy"];
    Plan {
        lane: "hotfix".into(),
        about: None,
        root: "/project".into(),
        nodes: names.iter().enumerate().map(|(index, name)| node(name, index as u32)).collect(),
        stages: names.iter().enumerate().map(|(index, name)| instances(name, index as u32)).collect(),
        calls: Vec::new(),
        bounds: Vec::new(),
        functions: Vec::new(),
        parallel: Parallel::Auto,
        on_failure: OnFailure::Stop,
        timeout: None,
        sla: None,
        finally: Vec::new(),
        groups: Vec::new(),
        pools: BTreeMap::new(),
        params: BTreeMap::new(),
        facts: BTreeMap::new(),
        secrets: Vec::new(),
        clean_env: None,
        definition: Definition::default(),
        seed: 1,
        log_size: None,
        verify_reuse: None,
        repairs: Vec::new(),
        repair_sets: Vec::new(),
        fail_first: None,
        advised: None,
    }
}

pub fn instances(name: &str, index: NodeIndex) -> Instances {
    Instances { name: name.into(), nodes: vec![index], matrix: false }
}

pub fn node(name: &str, index: u32) -> Node {
    let before = index.checked_sub(1).map(|to| Edge { to, kind: EdgeKind::Needs });
    Node {
        key: name.into(),
        stage: index,
        number: None,
        kind: StageKind::Stage,
        docs: None,
        place: format!("hotfix.wfl:{}", index + 1),
        edges: before.into_iter().collect(),
        matrix: Vec::new(),
        waived: None,
        when: None,
        before: Vec::new(),
        after: Vec::new(),
        actions: Vec::new(),
        env: Vec::new(),
        cwd: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        timeout: None,
        deadline: None,
        retry: None,
        effect: Effect::Repeatable,
        finally: Vec::new(),
        lock: None,
        pool: None,
        allow_failure: None,
        confirm: None,
        approvals: Vec::new(),
        gate: None,
        call: None,
        closes: None,
        preset: None,
        priority: 3_u32.saturating_sub(index),
        expected: None,
        undo: None,
        suspect: None,
    }
}
