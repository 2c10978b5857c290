pub mod transforms;
