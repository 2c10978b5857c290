//! Transformations: components with an input and outputs.
