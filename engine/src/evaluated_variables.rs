//! Values that are written to variables which are evaluated as expressions (EvaluateAsExpression).
//!
//! A variable holds what was stored or written last, and its expression gives what is read. Only an expression that names
//! the variable itself sees what it holds: elsewhere the value is hidden, which whoever writes it is told, once.
//! (Unmeasured; packages of several makers are built on such writes, and on expressions that name their own variable.)
//!
//! ```text
//!  Foreach, Execute SQL, script, ... ──write──▶ held value ──if named──▶ expression ──▶ what is read
//! ```

use fletching_expression::parse;

use crate::{
    VariableStore,
    variables::{Entry, split},
};

impl VariableStore {
    /// What to say of a value for a variable whose expression hides it.
    pub(crate) fn hiding(&self, scope: &str, name: &str) -> Option<&'static str> {
        let (namespace, bare) = split(name);
        self.hides(self.find(scope, namespace, bare)?)
            .then_some(HIDDEN)
    }

    /// As [`hiding`](Self::hiding), for a variable of which it was not said yet.
    pub(crate) fn tell_hiding(&mut self, index: usize) -> Option<String> {
        if self.entries[index].told || !self.hides(index) {
            return None;
        }
        let entry = &mut self.entries[index];
        entry.told = true;
        Some(format!(
            "variable `{}::{}` {HIDDEN}",
            entry.namespace, entry.name
        ))
    }

    /// Whether a variable's expression hides what the variable holds.
    pub(crate) fn hides(&self, index: usize) -> bool {
        let Entry {
            expression, scope, ..
        } = &self.entries[index];
        let Some(parsed) = expression.as_deref().map(parse) else {
            return false;
        };
        !parsed.is_ok_and(|parsed| {
            let mut named = parsed.variables().into_iter();
            named.any(|(namespace, name)| self.find(scope, namespace, name) == Some(index))
        })
    }
}

const HIDDEN: &str = "takes its value from an expression (EvaluateAsExpression), which hides the value that it is given: only \
                      an expression that names the variable itself sees it";
