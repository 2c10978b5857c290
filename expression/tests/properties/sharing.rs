//! Expressions that share what they have in common give what they give apart.

use fletching_expression::{Expression, SharedParts, compile, share};
use proptest::{collection::vec, prelude::*};

use crate::{
    EXPRESSION_BYTES, ROW_BYTES, config, evaluate,
    generate::{Choices, Columns, Typed, batch, over_columns},
};

proptest! {
    #![proptest_config(config())]

    #[test]
    fn shared_parts_give_what_they_give_apart(
        expression in vec(any::<u8>(), 0..EXPRESSION_BYTES),
        rows in vec(any::<u8>(), 0..ROW_BYTES),
        count in 1_usize..20,
    ) {
        let apart = related(&mut Choices::new(&expression));
        let mut shared = apart.clone();
        share(&mut shared);
        let batch = batch(&mut Choices::new(&rows), count);
        let mut parts = SharedParts::default();
        for (one, other) in apart.iter().zip(&shared) {
            let wanted = evaluate(one, &batch);
            let found = other.evaluate_sharing(&batch, &mut parts).expect("the batch fits");
            prop_assert_eq!(&found.errors, &wanted.errors, "{}", one);
            prop_assert_eq!(&found.array, &wanted.array, "{}", one);
        }
    }
}

/// Expressions with parts in common, some of them in branches that not every row takes.
fn related(choices: &mut Choices<'_>) -> Vec<Expression> {
    let mut typed = Typed::new(choices);
    let (condition, a, b) = (typed.boolean(2), typed.any(3), typed.any(2));
    let texts = [
        format!("ISNULL({a}) ? ({b}) : ({a})"),
        format!("({condition}) && ISNULL({a})"),
        format!("({condition}) || ({a}) == ({b})"),
        a.clone(),
        format!("({condition}) ? ({a}) : ({b})"),
        format!("({a}) + ({a})"),
        format!("({condition}) ? ({b}) + ({a}) : ({b})"),
        format!("(DT_WSTR,20)({a}) + (DT_WSTR,20)({b})"),
        b,
        format!("!({condition}) && ({a}) == ({a})"),
    ];
    let compiled = texts
        .iter()
        .map(|text| compile(&over_columns(text), &Columns));
    compiled.filter_map(Result::ok).collect()
}
