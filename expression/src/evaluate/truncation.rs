//! Which cast of an expression lost something, and what: for the message about a value that was cut.

use arrow::array::RecordBatch;
use dtsx::{DataType, SsisCode};

use super::{one_row, why::failing};
use crate::{
    check::{Typed, TypedKind, is_text},
    code_page::CodePage,
    scalar::Scalar,
};

/// The message for a tree whose one row fails with `code`; `None` where no cast cut something.
pub(crate) fn why_cut(node: &Typed, batch: &RecordBatch, code: SsisCode) -> Option<String> {
    if code != SsisCode::EXPRESSION_TRUNCATION_AS_ERROR {
        return None;
    }
    let part = failing(node, batch);
    let TypedKind::Convert(operand, _) = &part.kind else {
        return None;
    };
    let given = one_row(operand, batch).ok()?;
    Some(lost(&given, &operand.data_type, &part.data_type))
}

/// What a value loses in another type.
fn lost(value: &Scalar, from: &DataType, to: &DataType) -> String {
    let page = match *to {
        DataType::Str { code_page, .. } | DataType::Text { code_page } => {
            CodePage::from_number(code_page).ok()
        }
        _ => None,
    };
    match to {
        DataType::Bytes { .. } => {
            format!("{from} has more bytes than {to}: raise the length of the cast")
        }
        _ if !is_text(to) => {
            format!("`{value}` has more digits behind the second than {to} keeps")
        }
        _ => match page.filter(|page| page.encode(&value.to_string()).1) {
            Some(page) => format!(
                "the text has characters that are not in code page {}: DT_WSTR and DT_NTEXT take all",
                page.number()
            ),
            None => crate::error::reason(SsisCode::EXPRESSION_TRUNCATION_AS_ERROR).to_owned(),
        },
    }
}
