//! What is read from commands, good and odd.

use super::*;

fn programs(command: &str) -> Vec<String> {
    read(command).calls.iter().map(|call| call.program().to_owned()).collect()
}

fn changes(command: &str) -> bool {
    let reading = read(command);
    reading.calls.iter().any(|call| change_by(call).is_some()) || reading.writes.iter().any(file_written)
}

#[test]
fn a_program_is_found_behind_its_wrappers() {
    assert_eq!(programs("sudo -n -u www env A=b /usr/bin/rm -rf x"), ["sudo", "env", "rm"]);
    assert_eq!(programs("ls | xargs -r -n 1 rm -f --"), ["ls", "xargs", "rm"]);
    assert_eq!(programs("find . -name '*.log' -exec gzip {} \\;"), ["find", "gzip"]);
    assert_eq!(programs("sh -ec 'cd /x && rm y'"), ["sh", "cd", "rm"]);
    assert_eq!(programs("timeout -k 5 10s du -x /"), ["timeout", "du"]);
}

#[test]
fn a_program_is_found_in_every_corner_of_the_syntax() {
    for command in [
        "if true; then rm x; fi",
        "if rm x; then :; fi",
        "if false; then :; else rm x; fi",
        "while read -r f; do rm \"$f\"; done < list",
        "for f in a b; do rm \"$f\"; done",
        "case $a in b) rm x;; esac",
        "( rm x )",
        "{ rm x; }",
        "f() { rm x; }; f",
        "echo \"$(rm x)\"",
        "echo `rm x`",
        "a=$(rm x)",
        "true && rm x",
        "true || rm x",
        "! rm x",
        "[[ -n $(rm x) ]]",
        "cat <(rm x)",
        "cat <<EOF\n$(rm x)\nEOF",
        "echo ${a:-$(rm x)}",
    ] {
        assert!(programs(command).contains(&"rm".to_owned()), "{command}: {:?}", programs(command));
    }
}

#[test]
fn words_that_are_only_text_call_nothing() {
    for command in
        ["echo 'rm -rf /'", "grep -c rm log", "printf '%s' \"> x\"", "cat <<'EOF'\n$(rm x)\nEOF", "# rm x\ntrue"]
    {
        assert!(!changes(command), "{command}");
    }
}

#[test]
fn reading_and_changing_uses_of_one_program_are_told_apart() {
    for command in [
        "systemctl status nginx",
        "systemctl is-active nginx",
        "systemctl list-units",
        "systemctl --failed",
        "apt list --upgradable",
        "apt-get -s upgrade",
        "journalctl -u nginx",
        "iptables -L -n",
        "kill -0 12",
        "find / -xdev -size +1G",
        "dd if=/dev/sda of=/dev/null count=1",
        "df -P 2>/dev/null",
        "ls 2>&1",
        "echo x | tee /dev/stderr",
        "curl -fsS -o /dev/null https://x",
        "wget -qO- http://x",
        "sed -n 1p f",
        "service nginx status",
        "kubectl get pods",
        "kubectl rollout status deploy/x",
        "mount",
        "ip addr show",
        "crontab -l",
        "sysctl vm.swappiness",
        "docker ps",
        "git status",
        "command -v rm",
        "systemctl $verb nginx",
    ] {
        assert!(!changes(command), "{command}");
    }
    for command in [
        "systemctl restart nginx",
        "systemctl --no-block stop x",
        "apt-get -y install x",
        "journalctl --vacuum-size=1G",
        "iptables -F",
        "kill -TERM 12",
        "kill 12",
        "find / -name x -delete",
        "dd if=/dev/zero of=/dev/sda",
        "df > out",
        "df >> \"$file\"",
        "df &> out",
        "echo x | tee out",
        "curl -X POST https://x",
        "curl -d a=b https://x",
        "wget http://x",
        "sed -i.bak s/a/b/ f",
        "service nginx restart",
        "kubectl delete pod x",
        "kubectl rollout restart deploy/x",
        "mount /dev/sda /mnt",
        "ip link set eth0 down",
        "crontab -r",
        "sysctl vm.swappiness=1",
        "docker restart x",
        "git reset --hard",
        "mkfs.ext4 /dev/sda",
        "reboot",
    ] {
        assert!(changes(command), "{command}");
    }
}

#[test]
fn a_word_knows_its_bytes() {
    let command = "echo ä && rm -f \"$x\"";
    let reading = read(command);
    let rm = &reading.calls[1];
    assert_eq!(&command[rm.words[0].place.clone()], "rm");
    assert_eq!(rm.words[2].text, UNKNOWN.to_string());
    assert_eq!(&command[rm.words[2].place.clone()], "\"$x\"");
}

#[test]
fn variables_are_found_wherever_they_are_used() {
    let reading = read("echo $a ${b} ${c:-$d} $((e + 1)) \"$(echo $f)\" && test $g -gt 1 <<X\n$h\nX");
    for name in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        assert!(reading.variables.iter().any(|variable| variable == name), "{name}: {:?}", reading.variables);
    }
}

#[test]
fn broken_syntax_and_deep_nesting_find_nothing_and_do_not_panic() {
    assert_eq!(read("if true; then"), Reading::default());
    let deep = format!("{}true{}", "echo $(".repeat(40), ")".repeat(40));
    assert!(read(&deep).calls.len() <= NESTING_MAX + 1);
}

#[test]
fn absurd_nesting_is_read_without_harm() {
    let levels = [
        ("(", ")"),
        ("{ ", "; }"),
        ("if true; then ", "; fi"),
        ("while true; do ", "; done"),
        ("$(", ")"),
        ("\"$(", ")\""),
        ("${a:-", "}"),
        ("! ", ""),
        ("`", "`"),
        ("$((", "))"),
        ("<(", ")"),
        ("sudo ", ""),
        ("sh -c '", "'"),
        ("case a in a) ", ";; esac"),
        ("f() ", ""),
        ("echo ", ""),
        ("a=", ""),
        ("a | ", ""),
    ];
    for depth in [10, 24, 64, 100, 200, 5_000] {
        for (open, close) in levels {
            read(&format!("{}true{}", open.repeat(depth), close.repeat(depth)));
            read(&format!("echo $({}true{})", open.repeat(depth), close.repeat(depth)));
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "echo ", "rm ", "sudo ", "sh -c ", "xargs ", "find / -exec ", "timeout ", "$(", ")", "`", "\"", "'", "$", "${",
            "}", "{ ", "; ", "\n", "&& ", "| ", "> ", ">", "&>", "<<EOF\n", "EOF\n", "<(", "((", "))", "[[ ", " ]]", "if ",
            "then ", "fi", "case ", " in ", "esac", "for ", "do ", "done", "é", "\\", "#", "!", "=", "A=b ", "-c", "\u{0}",
            "*", "?", "~", "-", "--", "$'", "\t", "function ", "f() ", "a[1]=", "=(", "%", ":-", "\r", "1>&2", "{a,b}",
        ]), 0..30),
    ) {
        let text: String = parts.concat();
        let reading = read(&text);
        for word in reading.calls.iter().flat_map(|call| &call.words).chain(&reading.writes) {
            proptest::prop_assert!(text.get(word.place.clone()).is_some(), "{word:?}");
        }
    }
}
