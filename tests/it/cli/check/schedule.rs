//! What `steadyhand check` says about `oncall.yaml`, text and coming weeks.

use super::super::stdout;
use super::{CLEAN, check_in, repository};

const ONCALL: &str = "steadyhand: 1
zone: Europe/Berlin
rotations:
  web: {members: [anna, ben], start: 2026-11-02, handover: {days: [mon], at: \"09:00\"}}
overrides:
  - {rotation: web, person: nobody, from: 2026-12-10, to: 2026-12-11}
";

#[test]
fn a_coming_gap_is_a_warning_at_its_rotation_with_the_next_step() {
    let folder = repository(&[("runbooks/a.yaml", CLEAN), ("oncall.yaml", ONCALL)]);
    let report = check_in(folder.path(), &["--format", "github"]);
    let told = stdout(&report);
    assert!(told.contains("file=oncall.yaml,line=4"), "{told}");
    assert!(told.contains("nobody is on call for web from 2026-12-10 00:00 CET to 2026-12-11 00:00 CET"), "{told}");
    assert!(told.contains("overrides"), "it says what to do: {told}");
    assert_eq!(report.status.code(), Some(1));
    let later = ONCALL.replace("2026-12-1", "2027-01-1");
    let folder = repository(&[("runbooks/a.yaml", CLEAN), ("oncall.yaml", &later)]);
    let report = check_in(folder.path(), &[]);
    assert_eq!(report.status.code(), Some(0), "too far away: {}", stdout(&report));
}
