//! Is what was kept aside there again, whatever ended the process, and is it never more than allowed?

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::scratch::Folder;

fn record(id: usize) -> Record {
    Record { id: format!("r{id}"), ..Record::default() }
}

fn place(folder: &Folder) -> PathBuf {
    folder.path().join("aside")
}

/// The ids of what is left, in flushes.
fn drain(spill: &mut Spill) -> Vec<Vec<String>> {
    let mut told = Vec::new();
    while let Some(oldest) = spill.oldest().unwrap() {
        told.push(oldest.records.iter().map(|record| record.id.clone()).collect());
        spill.done(&oldest).unwrap();
    }
    told
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|id| format!("r{id}")).collect()
}

#[test]
fn records_come_back_in_order_and_in_flushes() {
    let folder = Folder::new();
    let mut spill = Spill::open(&place(&folder)).unwrap();
    assert!(spill.is_empty() && spill.is_caught_up());
    let all: Vec<Record> = (0..600).map(record).collect();
    for some in all.chunks(7) {
        spill.append(some, Keep::Written).unwrap();
    }
    assert_eq!(spill.records(), 600);
    // The process ends here, however.
    let mut spill = Spill::open(&place(&folder)).unwrap();
    assert_eq!((spill.records(), spill.is_caught_up()), (600, false));
    spill.append(&[record(600)], Keep::Synced).unwrap();
    assert_eq!(drain(&mut spill), [ids(0..256), ids(256..512), ids(512..600), ids(600..601)]);
    assert!(spill.is_empty() && spill.is_caught_up());
    assert_eq!(fs::read_dir(place(&folder)).unwrap().count(), 0);
}

#[test]
fn a_file_goes_when_all_in_it_is_told_and_not_before() {
    let folder = Folder::new();
    let mut spill = Spill::open(&place(&folder)).unwrap();
    spill.append(&[record(0), record(1)], Keep::Written).unwrap();
    let told = spill.oldest().unwrap().unwrap();
    spill.append(&[record(2)], Keep::Written).unwrap();
    spill.done(&told).unwrap();
    assert_eq!(spill.records(), 1);
    // Killed now, another process tells all of it once more: the store knows records by their ids.
    let mut again = Spill::open(&place(&folder)).unwrap();
    assert_eq!(drain(&mut again), [ids(0..3)]);
}

#[test]
fn a_torn_end_is_left_out_wherever_it_was_torn() {
    let folder = Folder::new();
    let mut spill = Spill::open(&place(&folder)).unwrap();
    spill.append(&[record(0), record(1), record(2)], Keep::Written).unwrap();
    let path = spill.path(1);
    let whole = fs::read(&path).unwrap();
    let frame = (whole.len() - MARK.len()) / 3;
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let mut torn = Spill::open(&place(&folder)).unwrap();
        let left = cut.saturating_sub(MARK.len()) / frame;
        assert_eq!(torn.records(), left as u64, "{cut}");
        // What comes later lies in a file of its own.
        torn.append(&[record(9)], Keep::Written).unwrap();
        let told = drain(&mut torn).concat();
        assert_eq!(told, [ids(0..left), ids(9..10)].concat(), "{cut}");
    }
}

#[test]
fn a_damaged_record_hides_no_other() {
    let folder = Folder::new();
    let mut spill = Spill::open(&place(&folder)).unwrap();
    spill.append(&[record(0), record(1), record(2)], Keep::Written).unwrap();
    let path = spill.path(1);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&path, bytes).unwrap();
    let mut spill = Spill::open(&place(&folder)).unwrap();
    assert_eq!(drain(&mut spill).concat(), ["r0", "r2"]);
}

#[test]
fn there_is_a_bound_and_files_are_private() {
    let folder = Folder::new();
    let mut spill = Spill::open(&place(&folder)).unwrap();
    let tried = "x".repeat(200 << 10);
    let large: Vec<Record> =
        (0..20).map(|id| Record { tried: tried.clone(), ..record(id) }).collect();
    let fits = SPILL_BYTES_MAX / (20 * (200 << 10));
    let mut kept = 0;
    while spill.append(&large, Keep::Written).is_ok() {
        kept += 1;
        assert!(kept <= fits, "{kept}");
    }
    assert!(kept + 2 >= fits, "{kept}");
    let error = spill.append(&large, Keep::Written).unwrap_err();
    assert_eq!(error.kind, Kind::Full);
    assert!(spill.files.len() > 1);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&place(&folder)), mode(&spill.path(1))), (0o700, 0o600));
    // Room comes back as records are told.
    for _ in 0..30 {
        let oldest = spill.oldest().unwrap().unwrap();
        spill.done(&oldest).unwrap();
    }
    spill.append(&large, Keep::Written).unwrap();
}

#[test]
fn what_another_version_has_written_is_not_thrown_away() {
    let folder = Folder::new();
    fs::create_dir(place(&folder)).unwrap();
    fs::write(place(&folder).join("000000000001.records"), b"tgspill9 and more").unwrap();
    let error = Spill::open(&place(&folder)).err().unwrap();
    assert!(error.message.contains("another version"), "{error}");
    assert_eq!(fs::read_dir(place(&folder)).unwrap().count(), 1);
}
