pub mod flow;
pub mod transforms;
