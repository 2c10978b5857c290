//! THE list of components, in the order of the toolbox.

use crate::ComponentClass;

/// Every component that can run.
pub static COMPONENTS: &[&ComponentClass] = &[
];

/// By canonical class name (`Microsoft.DerivedColumn`).
pub fn find(name: &str) -> Option<&'static ComponentClass> {
    COMPONENTS.iter().copied().find(|class| class.name == name)
}
