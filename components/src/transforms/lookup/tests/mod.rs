//! What spec files cannot say: [`kernel`] over generated keys, [`operator`] at the limits of memory and without rows.

mod kernel;
mod operator;
