//! Real git repositories, real programs: what is read, what is refused, and what must never start.

mod kept;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use steadyhand::id::{Digest, RunbookPath};
use steadyhand::inventory::Selector;
use steadyhand::library::{Catalogue, ChangeKind, Changes, GitRef, Library, LibraryError, Revision, Surroundings};
use tempfile::TempDir;

const ADA: &str = "Ada <ada@example.org>";

/// A folder of its own with a home, a repository folder, and a file that nothing may ever write.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        for name in ["home", "repo", "bin"] {
            fs::create_dir(folder.path().join(name)).expect("a folder can be made");
        }
        Self { folder }
    }

    /// The same with a repository in which `inventory.yaml` and one runbook are committed.
    fn with_git() -> Self {
        let place = Self::new();
        place.git(&["init", "-q", "-b", "main"]);
        place.write("runbooks/web/disk-full.yaml", "steadyhand: 1\nname: Disk full\n");
        place.commit("First\n\nand more");
        place
    }

    fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "protocol.file.allow=always"])
            .args(arguments)
            .current_dir(self.repo())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .output()
            .expect("git starts");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("git prints UTF-8").trim().to_owned()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.repo().join(name);
        fs::create_dir_all(path.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn commit_at(&self, when: &str, message: &str) {
        self.git(&["add", "-A"]);
        let tree = self.git(&["write-tree"]);
        let parent = self.git(&["rev-parse", "HEAD"]);
        let seconds = when.parse::<jiff::Timestamp>().expect("a time").as_second();
        let object = format!(
            "tree {tree}\nparent {parent}\nauthor {ADA} {seconds} +0000\ncommitter {ADA} {seconds} +0000\n\n{message}\n"
        );
        fs::write(self.path("object"), object).expect("a file can be written");
        let id = self.git(&["hash-object", "-t", "commit", "-w", self.path("object").to_str().expect("UTF-8")]);
        self.git(&["reset", "-q", "--hard", &id]);
    }

    /// An executable that is found before all others of its name.
    fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.folder.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a file can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a file can be made executable");
        path
    }

    /// A program that leaves a trace, for everything that must never start.
    fn trap(&self) -> String {
        let trace = self.path("trace");
        let trap = self.program("trap", &format!("echo \"$0 $*\" >> '{}'\ncat", trace.display()));
        trap.to_str().expect("temporary folders have UTF-8 names").to_owned()
    }

    fn nothing_started(&self) {
        let trace = fs::read_to_string(self.path("trace")).unwrap_or_default();
        assert_eq!(trace, "", "something of the repository's choosing was started");
    }

    fn surroundings(&self) -> Surroundings {
        let path = std::env::var("PATH").expect("tests run with a PATH");
        Surroundings::of_this_process()
            .with("PATH", format!("{}:{path}", self.path("bin").display()))
            .with("HOME", self.path("home"))
    }

    async fn open(&self) -> Library {
        Library::open_in(&self.repo(), self.surroundings()).await.expect("the library opens")
    }
}

fn runbook(path: &str) -> RunbookPath {
    path.parse().expect("a runbook path")
}

fn git_ref(text: &str) -> GitRef {
    text.parse().expect("a ref")
}

async fn listed(library: &Library, revision: &Revision) -> Vec<String> {
    let listing = library.list(revision).await.expect("the listing is read");
    listing.runbooks.iter().map(|listed| listed.path.to_string()).collect()
}

#[tokio::test]
async fn files_come_from_the_commit_and_never_from_the_work_tree() {
    let place = Place::with_git();
    let first = place.git(&["rev-parse", "HEAD"]);
    place.write("runbooks/web/disk-full.yaml", "changed");
    place.write("runbooks/new.yaml", "new");
    let library = place.open().await;
    let revision = library.resolve(None).await.unwrap();
    let commit = revision.commit().unwrap();
    assert_eq!((commit.id.as_str(), commit.author.as_str(), commit.subject.as_str()), (&*first, "Ada", "First"));
    assert_eq!(listed(&library, &revision).await, ["web/disk-full"]);
    let file = library.read(&revision, &runbook("web/disk-full")).await.unwrap();
    assert_eq!(file.bytes, b"steadyhand: 1\nname: Disk full\n");
    assert_eq!(file.blob.as_str(), place.git(&["rev-parse", "HEAD:runbooks/web/disk-full.yaml"]));
    let changes: Vec<_> =
        library.changes().await.unwrap().into_iter().map(|change| (change.path, change.what)).collect();
    assert_eq!(
        changes,
        [
            ("runbooks/new.yaml".to_owned(), ChangeKind::Added),
            ("runbooks/web/disk-full.yaml".to_owned(), ChangeKind::Modified)
        ]
    );
    fs::remove_dir_all(place.repo().join("runbooks")).unwrap();
    assert_eq!(library.changes().await.unwrap()[0].what, ChangeKind::Deleted);
    let missing = library.read(&revision, &runbook("new")).await.unwrap_err().to_string();
    assert!(missing.starts_with("there is no file runbooks/new.yaml in commit "), "{missing}");
}

#[tokio::test]
async fn a_ref_names_a_branch_a_tag_or_a_commit() {
    let place = Place::with_git();
    let first = place.git(&["rev-parse", "HEAD"]);
    place.git(&["tag", "-a", "v1", "-m", "one"]);
    place.git(&["checkout", "-q", "-b", "feature/more"]);
    place.write("runbooks/more.yaml", "more");
    let second = place.commit("Second");
    place.git(&["checkout", "-q", "main"]);
    let library = place.open().await;
    for (text, id) in [("v1", &first), ("main", &first), (&first[..10], &first), ("feature/more", &second)] {
        let revision = library.resolve(Some(&git_ref(text))).await.unwrap();
        assert_eq!(revision.commit().unwrap().id.as_str(), id, "{text}");
    }
    let revision = library.resolve(Some(&git_ref("feature/more"))).await.unwrap();
    assert_eq!(listed(&library, &revision).await, ["more", "web/disk-full"]);
    let history = library.history(&revision, &runbook("more"), 10).await.unwrap();
    assert_eq!(history.iter().map(|commit| commit.subject.as_str()).collect::<Vec<_>>(), ["Second"]);
    assert_eq!(library.history(&revision, &runbook("web/disk-full"), 1).await.unwrap().len(), 1);
    let unknown = library.resolve(Some(&git_ref("mian"))).await.unwrap_err();
    assert!(unknown.to_string().contains("did you mean \"main\"?"), "{unknown}");
    let tree = place.git(&["rev-parse", "HEAD^{tree}"]);
    assert!(matches!(library.resolve(Some(&git_ref(&tree))).await, Err(LibraryError::UnknownRef { .. })));
}

#[tokio::test]
async fn a_bare_repository_and_a_folder_inside_a_repository_work_too() {
    let place = Place::with_git();
    place.write("ops/runbooks/inner.yaml", "inner");
    place.write("ops/inventory.yaml", "steadyhand: 1\nhosts: {web-1: }\n");
    place.commit("Inner");
    place.git(&["clone", "-q", "--bare", ".", place.path("bare").to_str().unwrap()]);
    let bare = Library::open_in(&place.path("bare"), place.surroundings()).await.unwrap();
    let revision = bare.resolve(None).await.unwrap();
    assert_eq!(listed(&bare, &revision).await, ["web/disk-full"]);
    assert!(bare.read(&revision, &runbook("web/disk-full")).await.is_ok());
    assert_eq!(bare.changes().await.unwrap(), []);

    let inner = Library::open_in(&place.repo().join("ops"), place.surroundings()).await.unwrap();
    let revision = inner.resolve(None).await.unwrap();
    assert_eq!(listed(&inner, &revision).await, ["inner"]);
    assert_eq!(inner.read(&revision, &runbook("inner")).await.unwrap().bytes, b"inner");
    assert_eq!(inner.inventory(&revision).await.unwrap().inventory.targets().len(), 1);
    assert_eq!(inner.history(&revision, &runbook("inner"), 5).await.unwrap().len(), 1);
    assert_eq!(inner.changes().await.unwrap(), []);

    fs::create_dir_all(place.repo().join("scratch/runbooks")).unwrap();
    let stray = Library::open_in(&place.repo().join("scratch"), place.surroundings()).await.unwrap();
    assert!(!stray.has_git(), "a folder that was never committed is a plain one");
}

#[tokio::test]
async fn a_plain_folder_pins_the_digest_of_what_it_reads() {
    let place = Place::new();
    place.write("runbooks/a.yaml", "a");
    place.write("runbooks/.hidden/b.yaml", "b");
    let library = place.open().await;
    let revision = library.resolve(None).await.unwrap();
    assert_eq!(revision, Revision::Folder);
    assert_eq!(listed(&library, &revision).await, ["a"]);
    let file = library.read(&revision, &runbook("a")).await.unwrap();
    assert_eq!(file.blob.as_str(), Digest::of(b"a").to_string());
    assert_eq!(file.digest(), Digest::of(b"a"));
    assert_eq!(library.history(&revision, &runbook("a"), 5).await.unwrap(), []);
    let refused = library.resolve(Some(&git_ref("main"))).await.unwrap_err();
    assert!(matches!(refused, LibraryError::RefWithoutGit { .. }));
    assert!(matches!(Library::open(&place.path("nowhere")).await, Err(LibraryError::NoFolder { .. })));
    assert!(matches!(Library::open(&place.repo().join("runbooks/a.yaml")).await, Err(LibraryError::NoFolder { .. })));
}

#[tokio::test]
async fn a_repository_without_a_commit_says_what_to_do() {
    let place = Place::new();
    place.git(&["init", "-q"]);
    place.write("runbooks/a.yaml", "a");
    let library = place.open().await;
    let error = library.resolve(None).await.unwrap_err().to_string();
    assert!(error.contains("no commit yet") && error.contains("git commit"), "{error}");
    assert_eq!(library.changes().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_a_runbook_is_told_and_not_listed() {
    for place in [Place::with_git(), Place::new()] {
        place.write("runbooks/old.yml", "x");
        place.write("runbooks/with space.yaml", "x");
        place.write("runbooks/-x.yaml", "x");
        place.write("runbooks/notes.md", "x");
        place.write("secret.yaml", "secret");
        place.write("runbooks/large.yaml", &"#".repeat(1024 * 1024 + 1));
        symlink("../secret.yaml", place.repo().join("runbooks/link.yaml")).unwrap();
        symlink("..", place.repo().join("runbooks/up")).unwrap();
        if place.repo().join(".git").exists() {
            place.commit("Odd");
        }
        let library = place.open().await;
        let revision = library.resolve(None).await.unwrap();
        let listing = library.list(&revision).await.unwrap();
        assert!(listing.runbooks.iter().all(|listed| listed.path == runbook("web/disk-full")), "{listing:#?}");
        assert_eq!(listing.diagnostics.len(), 5, "{listing:#?}");
        assert!(matches!(library.read(&revision, &runbook("link")).await, Err(LibraryError::NotAFile { .. })));
        assert!(library.read(&revision, &runbook("up/secret")).await.is_err());
        assert!(matches!(library.read(&revision, &runbook("large")).await, Err(LibraryError::TooLarge { .. })));
    }
}

#[tokio::test]
async fn a_script_stays_beside_its_runbook() {
    for place in [Place::with_git(), Place::new()] {
        place.write("runbooks/web/disk-full.yaml", "x");
        place.write("runbooks/web/clean.sh", "#!/bin/sh\n");
        place.write("runbooks/web/scripts/deep.sh", "deep");
        place.write("runbooks/top.sh", "top");
        symlink("/etc/passwd", place.repo().join("runbooks/web/link.sh")).unwrap();
        symlink("/etc", place.repo().join("runbooks/web/etc")).unwrap();
        if place.repo().join(".git").exists() {
            place.commit("Scripts");
        }
        let library = place.open().await;
        let revision = library.resolve(None).await.unwrap();
        let book = runbook("web/disk-full");
        for script in ["clean.sh", "./clean.sh"] {
            assert_eq!(library.script(&revision, &book, script).await.unwrap().bytes, b"#!/bin/sh\n");
        }
        assert_eq!(library.script(&revision, &book, "scripts/deep.sh").await.unwrap().bytes, b"deep");
        for script in ["../top.sh", "/etc/passwd", "a/../../top.sh", "", ".", "..", "a\nb", ".git/config", "a\\b"] {
            let refused = library.script(&revision, &book, script).await;
            assert!(matches!(refused, Err(LibraryError::UnsafePath { .. })), "{script:?}: {refused:?}");
        }
        for script in ["link.sh", "etc/passwd", "scripts", "missing.sh"] {
            assert!(library.script(&revision, &book, script).await.is_err(), "{script:?} was read");
        }
    }
}

#[tokio::test]
async fn a_hostile_repository_starts_nothing() {
    let place = Place::with_git();
    let trap = place.trap();
    place.write(".gitattributes", "*.yaml filter=evil diff=evil\n");
    place.commit("Attributes");
    fs::write(place.repo().join(".git/hooks/post-index-change"), format!("#!/bin/sh\n{trap}\n")).unwrap();
    fs::set_permissions(place.repo().join(".git/hooks/post-index-change"), fs::Permissions::from_mode(0o755)).unwrap();
    for (key, value) in [
        ("core.fsmonitor", trap.as_str()),
        ("core.sshCommand", &trap),
        ("core.gitProxy", &trap),
        ("core.pager", &trap),
        ("core.editor", &trap),
        ("core.askPass", &trap),
        ("core.hooksPath", &place.path("bin").display().to_string()),
        ("filter.evil.clean", &trap),
        ("filter.evil.smudge", &trap),
        ("filter.evil.process", &trap),
        ("filter.evil.required", "true"),
        ("diff.evil.textconv", &trap),
        ("diff.external", &trap),
        ("gpg.program", &trap),
        ("log.showSignature", "true"),
        ("uploadpack.packObjectsHook", &trap),
        ("credential.helper", &format!("!{trap}")),
        ("alias.cat-file", &format!("!{trap}")),
    ] {
        place.git(&["config", key, value]);
    }
    place.write("runbooks/web/disk-full.yaml", "not committed");
    let library = place.open().await;
    let revision = library.resolve(Some(&git_ref("main"))).await.unwrap();
    assert_eq!(listed(&library, &revision).await, ["web/disk-full"]);
    library.read(&revision, &runbook("web/disk-full")).await.unwrap();
    assert_eq!(library.changes().await.unwrap().len(), 1);
    library.history(&revision, &runbook("web/disk-full"), 5).await.unwrap();
    library.inventory(&revision).await.unwrap();
    place.nothing_started();
}

#[tokio::test]
async fn the_last_change_of_every_runbook_is_that_of_its_history() {
    let place = Place::with_git();
    place.write("runbooks/a.yaml", "a");
    place.write("inner/runbooks/c.yaml", "c");
    place.commit_at("2026-01-01T00:00:00Z", "more");
    place.write("runbooks/web/disk-full.yaml", "another");
    place.commit_at("2026-02-01T00:00:00Z", "changed");
    place.write("notes", "no runbook");
    place.commit_at("2026-03-01T00:00:00Z", "elsewhere");
    place.git(&["checkout", "-q", "-b", "side", "HEAD~1"]);
    place.write("runbooks/a.yaml", "a2");
    place.commit_at("2026-02-15T00:00:00Z", "on a branch");
    place.git(&["checkout", "-q", "main"]);
    place.git(&["merge", "-q", "--no-ff", "-m", "merged", "side"]);
    let library = Library::open_in(&place.repo(), place.surroundings()).await.unwrap();
    let revision = library.resolve(None).await.unwrap();
    let changes = Changes::default();
    let last = changes.at(&library, &revision).await.unwrap();
    for name in ["a", "web/disk-full"] {
        let history = library.history(&revision, &runbook(name), 1).await.unwrap();
        assert_eq!(last.get(&runbook(name)), Some(&history[0].time.as_millisecond()), "{name}");
    }
    assert_eq!(last[&runbook("a")], 1_771_113_600_000, "the merge itself changed nothing");
    assert_eq!(last.len(), 2);
    // From a folder inside the repository, paths are that folder's.
    let inner = Library::open_in(&place.repo().join("inner"), place.surroundings()).await.unwrap();
    let revision = inner.resolve(None).await.unwrap();
    let last = Changes::default().at(&inner, &revision).await.unwrap();
    assert_eq!(last.keys().map(ToString::to_string).collect::<Vec<_>>(), ["c"]);
}

#[tokio::test]
async fn a_missing_object_is_never_fetched_from_where_the_repository_says() {
    for (url, key) in [("ssh://example.invalid/x", "core.sshCommand"), ("ext::TRAP", "protocol.ext.allow")] {
        let place = Place::with_git();
        let trap = place.trap();
        let blob = place.git(&["rev-parse", "HEAD:runbooks/web/disk-full.yaml"]);
        fs::remove_file(place.repo().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
        for (key, value) in [
            ("core.repositoryFormatVersion", "1"),
            ("extensions.partialClone", "origin"),
            ("remote.origin.promisor", "true"),
            ("remote.origin.url", &url.replace("TRAP", &trap)),
            (key, if key == "core.sshCommand" { &trap } else { "always" }),
        ] {
            place.git(&["config", key, value]);
        }
        let library = place.open().await;
        let revision = library.resolve(None).await.unwrap();
        assert!(library.read(&revision, &runbook("web/disk-full")).await.is_err());
        place.nothing_started();
    }
}

#[tokio::test]
async fn a_replacement_object_does_not_change_what_a_commit_holds() {
    let place = Place::with_git();
    let blob = place.git(&["rev-parse", "HEAD:runbooks/web/disk-full.yaml"]);
    place.write("evil", "run: evil");
    let evil = place.git(&["hash-object", "-w", "evil"]);
    place.git(&["replace", &blob, &evil]);
    let library = place.open().await;
    let revision = library.resolve(None).await.unwrap();
    let file = library.read(&revision, &runbook("web/disk-full")).await.unwrap();
    assert_eq!(file.bytes, b"steadyhand: 1\nname: Disk full\n");
}

#[tokio::test]
async fn a_repository_of_another_account_is_refused_with_the_command_to_run() {
    let place = Place::with_git();
    let git = Command::new("sh").args(["-c", "command -v git"]).output().expect("sh starts");
    let git = String::from_utf8(git.stdout).unwrap();
    // Git's own tests use this variable; being another account would need root.
    place.program("git", &format!("GIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec '{}' \"$@\"", git.trim()));
    let error = Library::open_in(&place.repo(), place.surroundings()).await.unwrap_err();
    assert!(matches!(error, LibraryError::NotOurs { .. }), "{error}");
    let repo = fs::canonicalize(place.repo()).unwrap();
    let command = format!("git config --global --add safe.directory {}", repo.display());
    assert!(error.to_string().contains(&command), "{error}");
}

const FIXTURE: &str = include_str!("../fixtures/inventory/ansible-2.19-list.json");

#[tokio::test]
async fn ansible_is_asked_for_the_committed_inventory() {
    let place = Place::with_git();
    fs::write(place.path("list.json"), FIXTURE).unwrap();
    // Answers only if it is asked as Ansible is, and finds the committed file beside it.
    let script = format!(
        "test $# = 3 && test \"$1\" = -i && test \"$3\" = --list || exit 9\ngrep -q committed \"$2\" || exit 8\ncat '{}'",
        place.path("list.json").display()
    );
    place.program("ansible-inventory", &script);
    place.write("inventory.yaml", "steadyhand: 1\nfrom:\n  - ansible: hosts.ini\n");
    place.write("hosts.ini", "committed");
    place.commit("Inventory");
    place.write("hosts.ini", "not yet");
    let library = place.open().await;
    let revision = library.resolve(None).await.unwrap();
    let loaded = library.inventory(&revision).await.unwrap();
    let web = loaded.inventory.select(&Selector::parse("group_web").unwrap()).unwrap();
    assert_eq!(web.iter().map(|target| target.name.as_str()).collect::<Vec<_>>(), ["web-1", "web-2"]);
    assert!(loaded.diagnostics.iter().all(|found| found.span.line == 3), "{:#?}", loaded.diagnostics);
}

#[tokio::test]
async fn a_source_that_fails_is_a_diagnostic_with_the_reason() {
    for (source, script, reason) in [
        ("{ansible: hosts.ini}", "echo 'ERROR! no such plugin' >&2; exit 1", "no such plugin"),
        ("{ansible: missing.ini}", "exit 0", "there is no missing.ini"),
        ("{ansible: hosts.ini}", "echo nonsense", "not JSON"),
        ("{ansible: hosts.ini}", "yes", "printed more than"),
        ("{command: [./missing.sh]}", "", "cannot start"),
        ("{command: [./hosts.sh, $(touch x)]}", "", "the argument was $(touch x)"),
        ("{ssh_config: ~/.ssh/missing}", "", "cannot read"),
    ] {
        let place = Place::new();
        place.program("ansible-inventory", script);
        place.write("inventory.yaml", &format!("steadyhand: 1\nhosts: {{kept: }}\nfrom: [{source}]\n"));
        place.write("hosts.ini", "x");
        place.write("hosts.sh", "#!/bin/sh\necho \"the argument was $1\" >&2; exit 1\n");
        fs::set_permissions(place.repo().join("hosts.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        let library = place.open().await;
        let loaded = library.inventory(&Revision::Folder).await.unwrap();
        assert_eq!(loaded.inventory.targets().len(), 1, "{source}");
        assert_eq!(loaded.diagnostics.len(), 1, "{source}: {:#?}", loaded.diagnostics);
        assert!(loaded.diagnostics[0].message.contains(reason), "{source}: {:#?}", loaded.diagnostics);
        assert!(!place.repo().join("x").exists());
    }
}

#[tokio::test]
async fn inventory_programs_see_no_secrets_of_the_server_and_run_in_the_commit() {
    let place = Place::with_git();
    place.write("hosts.sh", "#!/bin/sh\ntest -f inventory.yaml || exit 1\nenv | cut -d= -f1 | sort | grep -v '^_$\\|^PWD$\\|^SHLVL$\\|^OLDPWD$' | while read -r name; do echo \"$name\"; done | paste -sd. | sed 's/.*/{\"all\": {\"hosts\": [\"&\"]}}/'\n");
    fs::set_permissions(place.repo().join("hosts.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    place.write("inventory.yaml", "steadyhand: 1\nfrom: [{command: [./hosts.sh]}]\n");
    place.commit("Script");
    let library = place.open().await;
    let loaded = library.inventory(&library.resolve(None).await.unwrap()).await.unwrap();
    assert_eq!(loaded.diagnostics, []);
    let name = loaded.inventory.targets()[0].name.to_string();
    for variable in name.split('.') {
        assert!(["HOME", "LANG", "PATH", "SSH_AUTH_SOCK"].contains(&variable), "{variable} is seen: {name}");
    }
}

#[tokio::test]
async fn an_ssh_config_gives_hosts_with_its_includes() {
    let place = Place::new();
    fs::create_dir_all(place.path("home/.ssh/conf.d")).unwrap();
    fs::write(place.path("home/.ssh/config"), "Include conf.d/*.conf\nHost web-1\n  Port 2222\n").unwrap();
    fs::write(place.path("home/.ssh/conf.d/a.conf"), "Host db-1\n  Port 2200\n").unwrap();
    fs::write(place.path("home/.ssh/conf.d/other"), "Host other\n").unwrap();
    place.write("inventory.yaml", "steadyhand: 1\nfrom: [{ssh_config: ~/.ssh/config}]\n");
    let loaded = place.open().await.inventory(&Revision::Folder).await.unwrap();
    assert_eq!(loaded.diagnostics, []);
    let names: Vec<&str> = loaded.inventory.targets().iter().map(|target| target.name.as_str()).collect();
    assert_eq!(names, ["db-1", "web-1"]);
}

#[tokio::test]
async fn a_catalogue_makes_again_only_what_has_changed() {
    let place = Place::with_git();
    place.write("runbooks/b.yaml", "b1");
    place.commit("B");
    let library = place.open().await;
    let catalogue = Catalogue::default();
    let made = AtomicUsize::new(0);
    let make = |_: &RunbookPath, file: &steadyhand::library::File| {
        made.fetch_add(1, Ordering::Relaxed);
        String::from_utf8_lossy(&file.bytes).into_owned()
    };
    let revision = library.resolve(None).await.unwrap();
    for _ in 0..2 {
        let snapshot = catalogue.at(&library, &revision, make).await.unwrap();
        assert_eq!(snapshot.get(&runbook("b")).unwrap().made, "b1");
    }
    assert_eq!(made.load(Ordering::Relaxed), 2);
    place.write("runbooks/b.yaml", "b2");
    place.commit("B again");
    let revision = library.resolve(None).await.unwrap();
    let snapshot = catalogue.at(&library, &revision, make).await.unwrap();
    assert_eq!(snapshot.get(&runbook("b")).unwrap().made, "b2");
    assert_eq!(snapshot.pages.len(), 2);
    assert_eq!(made.load(Ordering::Relaxed), 3, "the runbook that did not change was made again");
}

/// What a program started must end with it.
fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(pid).join("stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn a_program_that_prints_too_much_is_killed_with_all_that_it_started() {
    let place = Place::new();
    let pid_file = place.path("pid");
    let script = format!("sleep 600 & echo $! > '{}'\nexec yes", pid_file.display());
    place.program("ansible-inventory", &script);
    place.write("inventory.yaml", "steadyhand: 1\nfrom: [{ansible: hosts.ini}]\n");
    place.write("hosts.ini", "x");
    let loaded = place.open().await.inventory(&Revision::Folder).await.unwrap();
    assert!(loaded.diagnostics[0].message.contains("printed more than"), "{:?}", loaded.diagnostics);
    let pid = fs::read_to_string(pid_file).unwrap();
    let ended = async {
        while is_alive(pid.trim()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), ended).await.expect("the sleep was killed");
}
