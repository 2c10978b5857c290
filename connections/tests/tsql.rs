//! T-SQL in, the text of each database out: cases as data, in `tsql/rewritten.txt`.
//!
//! Those that are also run, on SQLite, are in `tsql/executed.txt`; the module of the functions runs them.

use fletching_connections::sql::{Batch, Dialect, Kind, Parameter, RewriteError, batches, rewrite};

const DIALECTS: [(&str, Dialect); 4] = [
    ("sqlite", Dialect::Sqlite),
    ("postgres", Dialect::Postgres),
    ("duckdb", Dialect::DuckDb),
    ("mysql", Dialect::MySql),
];

/// Statements divided by ` ;; `, what is bound and how often it runs in braces; or the error without its advice.
fn shown(script: &str, to: Dialect) -> String {
    let rewritten = match rewrite(&script.replace("\\n", "\n"), to) {
        Ok(rewritten) => rewritten,
        Err(error) => {
            let text = error.to_string();
            return format!("error: {}", text.split("; ").next().unwrap_or_default());
        }
    };
    let statements: Vec<String> = rewritten
        .statements
        .iter()
        .map(|statement| {
            let mut text = statement.text.clone();
            if statement.repeat != 1 {
                text.push_str(&format!(" {{x{}}}", statement.repeat));
            }
            let bound: Vec<String> = statement
                .parameters
                .iter()
                .map(|parameter| match parameter {
                    Parameter::Ordinal(number) => number.to_string(),
                    Parameter::Named(name) => name.clone(),
                })
                .collect();
            if !bound.is_empty() {
                text.push_str(&format!(" {{{}}}", bound.join(" ")));
            }
            text
        })
        .collect();
    match statements.as_slice() {
        [] => "(nothing)".to_owned(),
        statements => statements.join(" ;; "),
    }
}

#[test]
fn rewritten_cases() {
    let mut lines = include_str!("tsql/rewritten.txt").lines().peekable();
    let mut failures = Vec::new();
    let mut count = 0;
    while let Some(script) = lines.next() {
        if script.is_empty() || script.starts_with('#') {
            continue;
        }
        while let Some(line) = lines.next_if(|line| line.starts_with("  ")) {
            let (name, wanted) = line.trim_start().split_once(": ").unwrap();
            for (_, to) in DIALECTS
                .iter()
                .filter(|(known, _)| name == "all" || *known == name)
            {
                count += 1;
                let found = shown(script, *to);
                if found != wanted {
                    failures.push(format!(
                        "{script}\n  wanted {name}: {wanted}\n  found  {to:?}: {found}"
                    ));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count > 700, "{count} cases were read");
}

#[test]
fn sql_server_gets_its_own_text() {
    let script = "SELECT TOP 1 a FROM dbo.t WHERE b = ? -- ?\nGO\nEXEC p ?";
    let rewritten = rewrite(script, Dialect::MsSql).unwrap();
    let texts: Vec<_> = rewritten
        .statements
        .iter()
        .map(|statement| statement.text.as_str())
        .collect();
    assert_eq!(
        texts,
        ["SELECT TOP 1 a FROM dbo.t WHERE b = ? -- ?\n", "EXEC p ?"]
    );
    assert_eq!(rewritten.statements[0].kind, Kind::Query);
    assert_eq!(rewritten.statements[0].parameters, [Parameter::Ordinal(0)]);
    assert_eq!(rewritten.statements[1].parameters, [Parameter::Ordinal(1)]);
}

#[test]
fn go_lines_divide_a_script() {
    let of = |text: &str, line, repeat| Batch {
        text: text.to_owned(),
        line,
        repeat,
    };
    let script = "a\nGO\nb 'x\nGO\n'\n go 5 -- often\n/* GO\nGO\n/* */ GO\n*/ c\nGO;\n[d\nGO\n]\nGOTO x\nGO two\n\nGO\n";
    assert_eq!(
        batches(script),
        [
            of("a\n", 1, 1),
            of("b 'x\nGO\n'\n", 3, 5),
            of("/* GO\nGO\n/* */ GO\n*/ c\n", 7, 1),
            of("[d\nGO\n]\nGOTO x\nGO two\n\n", 12, 1),
        ]
    );
    assert_eq!(batches(" \n\nGO\n"), []);
}

#[test]
fn an_error_names_statement_and_place() {
    let error = rewrite(
        "SELECT 1\nGO\nSELECT 2;\n  SELECT a,\n  dbo.f(1) FROM t",
        Dialect::Sqlite,
    )
    .unwrap_err();
    assert_eq!((error.place().line, error.place().column), (5, 3));
    assert_eq!(error.place().statement, "SELECT a,\n  dbo.f(1) FROM t");
    assert!(matches!(error, RewriteError::Unsupported { .. }));
}

#[test]
fn what_is_left_out_is_said() {
    let script = "SET NOCOUNT ON\nSELECT a + b FROM t WITH (NOLOCK)";
    let changes = rewrite(script, Dialect::Postgres).unwrap().changes;
    let said: Vec<_> = changes
        .iter()
        .map(|change| (change.line, change.what.as_str()))
        .collect();
    assert!(said.contains(&(1, "SET NOCOUNT is left out")), "{said:?}");
    assert!(
        said.contains(&(2, "the table hint NOLOCK is left out")),
        "{said:?}"
    );
    assert!(
        said.iter()
            .any(|(line, what)| *line == 2 && what.starts_with("`+` adds numbers")),
        "{said:?}"
    );
}

#[test]
fn hostile_texts_are_refused_in_time() {
    let deep = "(".repeat(100_000);
    let long = format!("SELECT 1{}", " + a".repeat(100_000));
    let unions = "SELECT 1 UNION ALL ".repeat(50_000) + "SELECT 1";
    let blocks = "BEGIN ".repeat(10_000);
    let ifs = "IF EXISTS (SELECT 1) ".repeat(10_000) + "SELECT 1";
    let cases = format!(
        "SELECT {}1{}",
        "CASE WHEN 1 = 1 THEN ".repeat(5_000),
        " END".repeat(5_000)
    );
    let calls = format!(
        "SELECT {}'a'{} FROM t",
        "CHARINDEX('x', ".repeat(40),
        ", 2)".repeat(40)
    );
    let doubled = "DECLARE @s varchar(max) = 'x';".to_owned() + &"SET @s = @s + @s;".repeat(60);
    let grown = "DECLARE @n int = 1;".to_owned() + &"SET @n = @n + 1;".repeat(10_000);
    let nots = "SELECT 1 WHERE ".to_owned() + &"NOT ".repeat(100_000) + "1 = 1";
    for text in [
        &deep, &long, &unions, &blocks, &ifs, &cases, &calls, &doubled, &grown, &nots,
    ] {
        for (_, to) in DIALECTS {
            if let Ok(rewritten) = rewrite(text, to) {
                let size: usize = rewritten
                    .statements
                    .iter()
                    .map(|statement| statement.text.len())
                    .sum();
                assert!(size < 16 << 20);
            }
        }
    }
}

#[test]
fn broken_texts_never_panic() {
    let scripts: Vec<&str> = include_str!("tsql/rewritten.txt")
        .lines()
        .filter(|line| !line.starts_with([' ', '#']) && !line.is_empty())
        .collect();
    for (script, seed) in scripts.iter().zip(0_usize..) {
        let characters: Vec<char> = script.chars().collect();
        for round in 0..6 {
            let at = (seed * 31 + round * 17) % characters.len();
            let mut broken: String = characters.iter().take(at).collect();
            if round % 2 == 0 {
                broken.push(
                    *['\'', '(', ')', '[', '"', '?', '@', ';', '.', '+']
                        .get((seed + round) % 10)
                        .unwrap(),
                );
                broken.extend(characters.iter().skip(at + 1));
            }
            for (_, to) in DIALECTS {
                drop(rewrite(&broken, to));
            }
        }
    }
}

/// As many operators as are let pass, on the stack that a thread of a run has.
#[test]
fn a_long_chain_of_operators_needs_no_large_stack() {
    let chain = vec!["([a] = ? and [b] = ?)"; 199].join(" or ");
    let sql = format!("select * from (select * from [t]) [refTable] where {chain}");
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let rewritten = thread
        .spawn(move || rewrite(&sql, Dialect::Sqlite).unwrap())
        .unwrap();
    assert_eq!(rewritten.join().unwrap().statements.len(), 1);
}
