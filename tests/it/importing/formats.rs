//! The forms of files: encodings, separators, workbooks, and files that are no files.

use roms::files::{Field, FileError, ImportFile, Kind, Reading, RowOutcome, read};

/// How files are read in UTC and dollars.
pub(crate) fn reading() -> Reading {
    let currency = roms::order::currency_from_code("USD").unwrap();
    Reading { timezone: chrono_tz::UTC, currency, kind: None, mapping: Vec::new() }
}

fn file(bytes: &[u8]) -> ImportFile {
    read(bytes, &reading()).unwrap()
}

fn utf_16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

#[test]
fn a_table_is_the_same_with_every_separator_and_encoding() {
    let text = "order number,tracking number\r\n\r\nA-1,1Z1\r\nÖ-2,\"1Z2,1Z3\"\r\n";
    let expected = file(text.as_bytes());
    assert_eq!(expected.kind, Kind::Tracking);
    let lines: Vec<u32> = expected.rows.iter().map(|row| row.line).collect();
    assert_eq!(lines, [3, 4]);
    let semicolons = "order number;tracking number\r\n\r\nA-1;1Z1\r\nÖ-2;1Z2,1Z3\r\n";
    let tabs = "order number\ttracking number\r\n\r\nA-1\t1Z1\r\nÖ-2\t1Z2,1Z3\r\n";
    for other in [text, semicolons, tabs] {
        let windows = other.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let with_mark = format!("\u{feff}{other}").into_bytes();
        for bytes in [other.as_bytes().to_vec(), with_mark, utf_16(other), windows] {
            assert_eq!(file(&bytes).rows, expected.rows, "{other}");
        }
    }
}

#[test]
fn a_huge_heading_is_cut() {
    let text = format!("{},order_number,product\n1,A-1,Kit\n", "Pa ket ".repeat(430_000));
    let file = file(text.as_bytes());
    assert!(file.columns[0].heading.len() <= 200);
}

#[test]
fn lines_are_counted_with_every_line_break() {
    for text in ["order_number\r\r1\r2\r", "order_number\n\n1\n2\n", "order_number\r\n\r\n1\r\n2\r\n"] {
        let lines: Vec<u32> = file(text.as_bytes()).rows.iter().map(|row| row.line).collect();
        assert_eq!(lines, [3, 4], "{text:?}");
    }
}

#[test]
fn the_columns_tell_the_kind() {
    for (headings, kind) in [
        ("order number,tracking number", Kind::Tracking),
        ("Order,Tracking", Kind::Tracking),
        ("order_number,quantity", Kind::Received),
        ("tracking_id,total,commission,status,qty,order_number,created,modified", Kind::Received),
        ("order_number", Kind::Cancellations),
        ("Order #,Cancellation Reason", Kind::Cancellations),
        ("Order Number,Product,Price", Kind::Orders),
        ("order_number,tracking_number,status", Kind::Orders),
        ("Date,Description,Amount", Kind::Charges),
        ("Datum,Beschreibung,Betrag", Kind::Charges),
    ] {
        let columns = headings.split(',').count();
        let row = ["1"; 8].get(..columns).unwrap().join(",");
        assert_eq!(file(format!("{headings}\n{row}\n").as_bytes()).kind, kind, "{headings}");
    }
    assert!(matches!(read(b"colour,shape\nred,round\n", &reading()), Err(FileError::Unknown(_))));
    assert_eq!(read(b"", &reading()).unwrap_err(), FileError::Empty);
    assert_eq!(read(b" \r\n,,\n", &reading()).unwrap_err(), FileError::Empty);
}

#[test]
fn the_values_tell_the_columns_of_a_statement_without_headings() {
    for (row, fields) in [
        ("02/02/2026,TARGET.COM,25\n02/03/2026,WALMART,1000\n", "posted_date,details,amount"),
        ("25,2026-02-02,TARGET.COM\n", "amount,posted_date,details"),
        ("02.02.2026;'320250310123456790';-25;TARGET.COM\n", "posted_date,reference_number,amount,details"),
        ("02/02/2026,32025031,25,TARGET.COM\n", "posted_date,reference_number,amount,details"),
        ("02/02/2026,TARGET.COM,150000\n", "posted_date,details,amount"),
        ("02/02/2026,$25,7,TARGET.COM\n", "posted_date,amount,details,details"),
        ("02/02/2026,02/03/2026,TARGET.COM,25\n", "posted_date,details,details,amount"),
    ] {
        let file = file(row.as_bytes());
        let found: Vec<_> = file.columns.iter().map(|column| column.field.to_string()).collect();
        assert_eq!((file.kind, found.join(",").as_str()), (Kind::Charges, fields), "{row}");
        assert_eq!(file.rows.len(), row.lines().count(), "{row}");
    }
    for row in ["02/02/2026,TARGET,25,3\n", "02/02/2026,TARGET,25.00,310.10\n"] {
        let several = FileError::SeveralAmounts("Column 3, Column 4".to_owned());
        assert_eq!(read(row.as_bytes(), &reading()).unwrap_err(), several, "{row}");
        let mut chosen = reading();
        chosen.mapping.push(("column 4".to_owned(), Field::Amount));
        let fields: Vec<_> =
            read(row.as_bytes(), &chosen).unwrap().columns.into_iter().map(|c| c.field).collect();
        assert_eq!(
            fields,
            [Field::Order("posted_date"), Field::Details, Field::Details, Field::Amount],
            "{row}"
        );
    }
    for row in [
        "A-1,1Z999\n",
        "02/02/2026,TARGET.COM\n",
        "TARGET.COM,25\n",
        "02/02/2026,TARGET,320250310123456790\n",
    ] {
        assert!(matches!(read(row.as_bytes(), &reading()), Err(FileError::Unknown(_))), "{row}");
    }
}

#[test]
fn a_cell_that_begins_like_a_formula_is_text() {
    let file = file(b"order number,notes,product\n=\"007\",'=SUM(A1),=1+1\n");
    let row = &file.rows[0];
    assert_eq!(row.key.text(), "007");
    assert_eq!(row.value(&Field::Order("notes")), Some("=SUM(A1)"));
    assert_eq!(row.value(&Field::Order("product")), Some("=1+1"));
}

#[test]
fn files_beyond_the_limits_are_refused() {
    let large = vec![b'x'; 20 * 1024 * 1024 + 1];
    assert_eq!(read(&large, &reading()).unwrap_err(), FileError::TooLarge);
    let long = format!("order_number\n{}", "1\n".repeat(200_001));
    assert_eq!(read(long.as_bytes(), &reading()).unwrap_err(), FileError::TooManyRows);
    let wide = format!("order_number{}\n", ",x".repeat(200));
    assert_eq!(read(wide.as_bytes(), &reading()).unwrap_err(), FileError::TooManyColumns);
}

#[test]
fn a_quote_that_is_not_closed_is_refused() {
    let head = "Order #,Tracking\r\n";
    for (rows, line) in [
        ("X-1,\"1Z111\nA-2,1Z222\n", 2),
        ("A-1,1Z000\nX-1,\"1Z111\nA-2,\"1Z222\"\n", 3),
        ("\"A-1\",\"1Z\"\"\"\r\n\"X-1,1Z111", 3),
    ] {
        let read = read(format!("{head}{rows}").as_bytes(), &reading());
        assert_eq!(read.unwrap_err(), FileError::OpenQuote(line), "{rows}");
    }
    for row in [
        "A-1,\"1Z111\n1Z222\"\n",
        "A-1,1Z\"111\n",
        "\"A-1\" ,\"\"\"1Z\"\n",
        "A-1,\"12\" 1Z\n",
        "\"A\n1\" ,1Z",
    ] {
        assert_eq!(file(format!("{head}{row}").as_bytes()).rows.len(), 1, "{row}");
    }
}

#[test]
fn a_bad_value_makes_its_row_bad_and_leaves_the_others() {
    let file = file(b"order_number,price,product\nA-1,1.005,x\nA-2,$2.50,y\n,1,z\n");
    let problems: Vec<_> =
        file.rows.iter().map(|row| row.problem.clone().map(|(outcome, _)| outcome)).collect();
    assert_eq!(problems, [Some(RowOutcome::Bad), None, Some(RowOutcome::Bad)]);
}
