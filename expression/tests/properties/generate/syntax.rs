//! Text that parses, whatever its types and names: each form of each token, with blanks and parentheses where none are
//! needed. And a soup of tokens, which seldom does.

use super::Choices;

const BINARY: &[&str] = &[
    "+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "&", "^", "|", "&&", "||",
];

const LITERALS: &[&str] = &[
    "0",
    "1",
    "00017",
    "2147483647",
    "5U",
    "4294967295u",
    "7L",
    "9223372036854775807l",
    "8UL",
    "8LU",
    "18446744073709551615uL",
    "0x0",
    "0X7fffffff",
    "0xFFFFFFFFu",
    "1.",
    ".5",
    "0.05",
    "00.50",
    "3.14000",
    "12345678901234567890123456789012345678.",
    ".00000000000000000000000000000000000001",
    "1.5f",
    "2.F",
    "1E3",
    "1e+3",
    "1.5E-3",
    "1e3f",
    "1.0L",
    ".1l",
    "1e38f",
    "1e-46f",
    "1e308",
    "5e-324",
    "0e0",
    "TRUE",
    "false",
    "True",
    "\"\"",
    "\"a\"",
    "\"\\a\\b\\f\\n\\r\\t\\v\\\"\\\\\"",
    "\"\\x0041\\x00e9\\xD83D\\xDE00\\x0001\\x007f\\x0085\"",
    "\"two\nlines\ttab\"",
    "\"it's [x] @y #1\"",
    "\"日本語😀\"",
    "\"\u{0}\"",
    "\"\u{feff}\u{2028}\"",
];

const NAMES: &[&str] = &[
    "Amount",
    "_x",
    "a1",
    "a$b#c@d",
    "Größe",
    "数量",
    "[Amount]",
    "[a b]",
    "[]",
    "[a.b]",
    "[[x]",
    "[TRUE]",
    "[DT_I4]",
    "[\"q\"]",
    "[a::b]",
    "[😀]",
    "[ x ]",
    "Src.Col",
    "[Flat File].[My Col]",
    "Src . [c]",
    "[NULL].NULL",
    "#12",
    "#007",
    "#{}",
    "#{Package\\Src.Outputs[Out].Columns[C]}",
    "#{12}",
    "#{ 12 }",
    "@Total",
    "@_a$b",
    "@[Total]",
    "@[User::Total]",
    "@[ User :: Total ]",
    "@[$Project::Region]",
    "@[$Package::My Parameter]",
    "@[a::b::c]",
    "@[::x]",
    "@[a: ::b]",
    "@[a::::b]",
    "@[a b]",
    "@[x:]",
    "@[:x]",
    "@[a:::b]",
    "NULL",
    "DT_I4",
    "truely",
    "e5",
    "L",
    "x1E5",
];

const TYPES: &[&str] = &[
    "DT_I1",
    "DT_I2",
    "DT_I4",
    "DT_I8",
    "DT_UI1",
    "DT_UI2",
    "DT_UI4",
    "DT_UI8",
    "DT_R4",
    "DT_R8",
    "DT_CY",
    "DT_DECIMAL,2",
    "DT_NUMERIC, 10 ,2",
    "dt_numeric,38,38",
    "DT_BOOL",
    "DT_STR,10,1252",
    "DT_WSTR,0",
    "Dt_WSTR,4000",
    "DT_TEXT,65001",
    "DT_NTEXT",
    "DT_IMAGE",
    "DT_BYTES,8",
    "DT_GUID",
    "DT_DATE",
    "DT_DBDATE",
    "DT_DBTIME",
    "DT_DBTIME2,7",
    "DT_DBTIMESTAMP",
    "DT_DBTIMESTAMP2,0",
    "DT_DBTIMESTAMPOFFSET,3",
    "DT_FILETIME",
];

const FUNCTIONS: &[&str] = &[
    "LEN",
    "substring",
    "GETDATE",
    "Foo",
    "TRUE",
    "größe",
    "ISNULL",
    "DATEADD",
];

const BLANKS: &[&str] = &["", " ", "", "\n", "\t ", "\u{a0}", "\u{3000}"];

/// An expression, or an assignment.
pub(crate) fn written(choices: &mut Choices<'_>, depth: usize) -> String {
    let mut out = String::new();
    if choices.one_in(8) {
        out.push_str(choices.of(&["@x", "@[User::Counter]", "(@x)", "@[a: ::b]"]));
        out.push_str(" = ");
    }
    node(choices, depth, &mut out);
    out
}

fn node(choices: &mut Choices<'_>, depth: usize, out: &mut String) {
    out.push_str(choices.of(BLANKS));
    let below = depth.saturating_sub(1);
    match (depth, choices.below(12)) {
        (0, kind) => out.push_str(choices.of(if kind % 2 == 0 { NAMES } else { LITERALS })),
        (_, 0) => out.push_str(choices.of(NAMES)),
        (_, 1) => out.push_str(choices.of(LITERALS)),
        (_, 2..5) => {
            node(choices, below, out);
            // A blank, or a name would swallow a sign of it.
            out.push(' ');
            out.push_str(choices.of(BINARY));
            node(choices, below, out);
        }
        (_, 5 | 6) => {
            out.push_str(choices.of(&["-", "!", "~"]));
            node(choices, below, out);
        }
        (_, 7) => {
            node(choices, below, out);
            out.push_str(" ?");
            node(choices, below, out);
            out.push_str(" :");
            node(choices, below, out);
        }
        (_, 8) => {
            out.push('(');
            out.push_str(choices.of(TYPES));
            out.push(')');
            node(choices, below, out);
        }
        (_, 9) => {
            out.push_str(choices.of(&["NULL(", "null ("]));
            out.push_str(choices.of(TYPES));
            out.push_str(" )");
        }
        (_, 10) => {
            out.push_str(choices.of(FUNCTIONS));
            out.push('(');
            for argument in 0..choices.below(4) {
                if argument > 0 {
                    out.push(',');
                }
                node(choices, below, out);
            }
            out.push(')');
        }
        _ => {
            out.push('(');
            node(choices, below, out);
            out.push(')');
        }
    }
    out.push_str(choices.of(BLANKS));
}

/// Tokens, and halves of them, in any order.
pub(crate) fn soup(choices: &mut Choices<'_>) -> String {
    const OTHERS: &[&str] = &[
        "(",
        ")",
        ",",
        "?",
        ":",
        "::",
        ".",
        "=",
        "[",
        "]",
        "\"",
        "\\",
        "#",
        "#{",
        "}",
        "@",
        "@[",
        "'",
        "\u{0}",
        "0x",
        "1e",
        "\"\\x12",
        "\"\\xD800\"",
        "\u{301}",
        "\u{10FFFF}",
        "(DT_",
        "(DT_STR,",
        "(DT_WSTR,99999)",
        "99999999999999999999",
        "NULL(",
        "ISNULL(",
        "DATEPART(\"day\",",
        "!",
        "~",
        "-",
        ";",
    ];
    let mut out = String::new();
    for _ in 0..choices.below(40) {
        let all = choices.of(&[
            OTHERS, NAMES, LITERALS, BINARY, TYPES, FUNCTIONS, BLANKS, OTHERS,
        ]);
        out.push_str(choices.of(all));
    }
    out
}
