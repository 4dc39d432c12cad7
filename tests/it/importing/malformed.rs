//! Files that no program wrote: reading them never fails with a panic, and no row is read in part.

use proptest::prelude::*;
use roms::files::{Field, FileError, Kind, RowKey, read};
use rust_xlsxwriter::Workbook;

use super::formats::reading;
use crate::importing::example;

/// Reads a file as any kind. A row without a problem has an order and readable values.
fn check(bytes: &[u8], kind: Option<Kind>) {
    let mut reading = reading();
    reading.kind = kind;
    let Ok(file) = read(bytes, &reading) else { return };
    for row in file.rows.iter().filter(|row| row.problem.is_none()) {
        let number = match &row.key {
            RowKey::Number(number) => number.clone(),
            RowKey::Parcel(_) | RowKey::Charge(_) => roms::order::OrderNumber::parse("1").unwrap(),
            RowKey::None(text) => panic!("row {} names no order: {text}", row.line),
        };
        let patch = row.patch(file.kind, number, chrono::Utc::now(), &reading);
        assert!(patch.is_ok(), "row {}: {:?}", row.line, patch.unwrap_err());
    }
}

fn any_kind() -> impl Strategy<Value = Option<Kind>> {
    prop::option::of(prop::sample::select(Kind::OF_FILES.to_vec()))
}

/// An example file with some bytes replaced, and its end cut off.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let names = ["tracking.csv", "received.csv", "scan-report.csv", "orders.csv", "cards.txt", "charges.csv"];
    let mut files: Vec<Vec<u8>> = names.map(|name| std::fs::read(example(name)).unwrap()).to_vec();
    files.push(b"02/02/2026,TARGET.COM,25,3\n01/13/2026,A-100001,-1000,12\n".to_vec());
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, cells) in (0..).zip([["order number", "price"], ["A-1", "2.50"]]) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    files.push(workbook.save_to_buffer().unwrap());
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20);
    (prop::sample::select(files), damage, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(mut file, damage, end, is_cut)| {
            for (at, byte) in damage {
                let at = at.index(file.len());
                file[at] = byte;
            }
            if is_cut {
                file.truncate(end.index(file.len()));
            }
            file
        },
    )
}

/// At least 1,000 files; the environment variable `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(1000), failure_persistence: None, ..default }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_damaged_file_is_refused_or_read_row_by_row(file in damaged(), kind in any_kind()) {
        check(&file, kind);
    }

    #[test]
    fn any_bytes_are_refused_or_read_row_by_row(bytes in prop::collection::vec(any::<u8>(), 0..400), kind in any_kind()) {
        check(&bytes, kind);
    }

    #[test]
    fn any_cells_are_refused_or_read_row_by_row(
        rows in prop::collection::vec(prop::collection::vec("[-$€0-9.,/: aA'=*#]{0,12}", 8), 1..5)
    ) {
        let headings = "order number,price,date,amount,quantity,tracking number,status,details";
        let lines = rows.iter().map(|cells| cells.iter().map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(","));
        let text = std::iter::once(headings.to_owned()).chain(lines).collect::<Vec<_>>().join("\n");
        for kind in Kind::OF_FILES {
            check(text.as_bytes(), Some(kind));
        }
    }
}

#[test]
fn a_workbook_that_unpacks_to_far_more_is_refused() {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).unwrap();
    let zeros = vec![0; 1024 * 1024];
    for _ in 0..301 {
        archive.write_all(&zeros).unwrap();
    }
    let bytes = archive.finish().unwrap().into_inner();
    assert!(bytes.len() < 2 * 1024 * 1024, "{}", bytes.len());
    assert_eq!(read(&bytes, &reading()).unwrap_err(), FileError::Bomb);
}

#[test]
fn secrets_of_a_table_are_not_imported() {
    let file = read(b"order number,product,password,cvv\nA-1,Kit,hunter2,123\n", &reading()).unwrap();
    let fields: Vec<_> = file.columns.iter().map(|column| column.field.clone()).collect();
    assert_eq!(fields[2..], [Field::Ignored, Field::Ignored]);
}
