# The tether: what holds an attempt on a host until the server has everything of it.
#
# Sent once into a plain `sh` that reads commands from a connection; requests follow as shell text (written by
# tether/request.rs). Works in dash, bash and busybox sh. Every answer is lines of text; bytes follow only where
# a line says how many. Words after a status are separated by one space.
#
#   th_hello TOKEN                 hello TOKEN · hostname … · machine … · boot … · user … · ready
#   th_try ID EPOCH DIGEST && ( SECRETS; TH_SCRIPT='…'; th_run MERGE ARGV… ) …; th_answer ID $?
#                                  running (once the marker is synced), then one of
#                                    end code|signal N OUT ERR 1   and OUT + ERR raw bytes: all there is
#                                    end code|signal N OUT ERR 0   fetch with th_read
#                                    status …  ·  refused epoch N  ·  refused script  ·  notbegun REASON
#   th_follow ID                   the same for an attempt begun earlier; `tick` lines while it waits (so that a
#                                  connection that is gone ends the wait)
#   th_read ID out|err OFFSET N    N raw bytes
#   th_stop ID GRACE_TENTHS        stopped STATUS · still
#   th_void ID                     status …
#   th_release ID…                 released
#   STATUS is                      absent · void · running · lost · gone died · gone rebooted · done code|signal N
#
# On disk, in ${XDG_STATE_HOME:-$HOME/.local/state}/steadyhand/attempts (0700, files 0600), named ID.started and so on.
# (Not a directory for each attempt: making it took a fifth of the time of a short step, and one more thing to sync.)
#   started   the claim: created exclusively by the runner ("run EPOCH DIGEST BOOT PID BORN") or by th_void ("void"),
#             so exactly one wins; synced with its directory BEFORE the script runs. Without its last newline it
#             is torn: nothing ran yet. It stays as the tombstone.
#   result    63 blanks and a newline before the script runs, overwritten in place with "code|signal N OUT ERR"
#             when it has ended: that needs no new block when the disk has filled up, and a torn line is seen.
#   script in out err              what runs and its three descriptors.  group: "PID BORN session|tree" of the command.
#   why       the shell's own remark ("Terminated") when a signal ended the command: the one portable difference
#             between that and `exit 143`. Shells say nothing for INT and PIPE: those two are told as code 130, 141.
#
# The runner is a subshell in the foreground of the connection's shell, which wakes at once when it ends; it outlives
# that shell because nothing signals it (no terminal) and it holds nothing of the connection. (Not `&`: that would
# leave INT and QUIT ignored in every command. Not a second `sh`: a fork is ten times cheaper.) The command is a
# session of its own, so that stopping, even with KILL, leaves the runner to record it.
# Alive means: same boot, same pid, same start time; where there is no /proc, a lock that the runner holds, if there is
# flock; else the pid.
# The result is synced later than the waiting side is woken: when the connection ends, or by the runner if nobody
# waits. (Not with the next marker: the server asks for the next step of a host once the outcome of the one before is
# stored.) If the host dies in between, either the server has stored the outcome, or it finds no result after the
# reboot and says unknown; never a wrong outcome.

TH_UMASK=$(umask)
umask 077
TH_LC=${LC_ALL-} TH_LC_SET=${LC_ALL+1}
LC_ALL=C
IFS=' 	
'
TH_ROOT=${XDG_STATE_HOME:-${HOME:-/nonexistent}/.local/state}/steadyhand/attempts
TH_PROC=${TH_PROC:-/proc}
TH_BOOT=-
{ read -r TH_BOOT <"$TH_PROC/sys/kernel/random/boot_id"; } 2>/dev/null || TH_BOOT=-
TH_SETSID=$(command -v setsid) || TH_SETSID=
TH_FLOCK=
[ -r "$TH_PROC/self/stat" ] || TH_FLOCK=$(command -v flock) || TH_FLOCK=
cd "${HOME:-/}" 2>/dev/null || cd /
TH_HOME=$PWD

TH_UNSYNCED=
# A connection that is gone must not end this shell before it has synced.
trap : PIPE
trap th_settle EXIT

th_say() { printf '%s\n' "$*"; }

th_hello() {
  th_say hello "$1"
  th_say hostname "$(uname -n 2>/dev/null || hostname)"
  TH_X=
  { read -r TH_X </etc/machine-id; } 2>/dev/null
  th_say machine "$TH_X"
  th_say boot "$TH_BOOT"
  th_say user "$(id -un)"
  th_say ready
}

# Tombstones live 30 days, kept output 7; in the background, at most once a connection.
th_sweep() (
  cd "$TH_ROOT" 2>/dev/null || exit 0
  # shellcheck disable=SC2044 # the names are UUIDs
  for TH_X in $(find . -name '*.out' -mtime +7 2>/dev/null); do
    TH_X=${TH_X#./}
    th_release "${TH_X%.out}"
  done
  # shellcheck disable=SC2044 # the names are UUIDs
  for TH_X in $(find . -name '*.started' -mtime +30 2>/dev/null); do
    [ -e "${TH_X%.started}.out" ] || rm -f "${TH_X%.started}".*
  done
) </dev/null >/dev/null 2>&1

# Sets TH_PID and TH_BORN (start time in clock ticks since boot, `-` if unknown) of this very subshell.
th_self() {
  TH_BORN=-
  if { read -r TH_LINE <"$TH_PROC/self/stat"; } 2>/dev/null; then
    TH_PID=${TH_LINE%% *}
    th_stat "$TH_LINE"
    TH_BORN=$TH_STAT_BORN
  else
    TH_PID=$(exec sh -c 'echo "$PPID"')
  fi
}

# Takes a /proc stat line apart, from behind the last `)`: a process may put anything into its name.
th_stat() {
  set -f
  # shellcheck disable=SC2086 # split on purpose
  set -- ${1##*) }
  set +f
  TH_STAT_STATE=$1 TH_STAT_PARENT=$2 TH_STAT_SESSION=$4 TH_STAT_BORN=${20}
}

# Is PID, born at BORN, still the same living process?
th_is() {
  if [ "$2" = - ]; then kill -0 "$1" 2>/dev/null; return; fi
  { read -r TH_LINE <"$TH_PROC/$1/stat"; } 2>/dev/null || return 1
  th_stat "$TH_LINE"
  [ "$TH_STAT_BORN" = "$2" ] || return 1
  case $TH_STAT_STATE in Z|X) return 1;; esac
}

th_runner_alive() {
  [ "$TH_S_BOOT" = "$TH_BOOT" ] || return 1
  if [ "$TH_S_BORN" = - ] && [ -n "$TH_FLOCK" ] && [ -e "$TH_D.lock" ]; then
    "$TH_FLOCK" -n "$TH_D.lock" true 2>/dev/null && return 1
    return 0
  fi
  th_is "$TH_S_PID" "$TH_S_BORN"
}

th_result() {
  TH_END=
  { read -r TH_END TH_CODE TH_OUT TH_ERR <"$TH_D.result"; } 2>/dev/null || return 1
  case $TH_END in code|signal) return 0;; esac
  return 1
}

# What the attempt's directory says, into TH_STATE. The result is looked at before and after the runner, which
# may end in between.
th_look() {
  TH_D=$TH_ROOT/$1
  TH_STATE=absent
  [ -e "$TH_D.started" ] || return 0
  TH_STATE=torn
  { read -r TH_KIND TH_S_EPOCH TH_S_DIGEST TH_S_BOOT TH_S_PID TH_S_BORN <"$TH_D.started"; } 2>/dev/null || return 0
  TH_STATE=void
  [ "$TH_KIND" = void ] && return 0
  TH_STATE="done"
  th_result && return 0
  TH_STATE=running
  th_runner_alive && return 0
  TH_STATE="done"
  th_result && return 0
  TH_STATE='gone died'
  [ "$TH_S_BOOT" = "$TH_BOOT" ] || TH_STATE='gone rebooted'
}

# Looks until the claim is whole: whoever makes it needs microseconds, or has died.
th_look_whole() {
  TH_TURN=0
  while th_look "$1"; [ "$TH_STATE" = torn ] && [ "$TH_TURN" -lt 30 ]; do
    TH_TURN=$((TH_TURN + 1))
    th_nap 0.1
  done
  [ "$TH_STATE" != torn ] || TH_STATE='gone died'
}

th_nap() { sleep "$1" 2>/dev/null || sleep 1; }

th_status() {
  if [ "$TH_STATE" = "done" ]; then th_say "$1" "done" "$TH_END" "$TH_CODE"; else th_say "$1" "$TH_STATE"; fi
}

# May ID be started here and now? 0: yes. 1: it was before (TH_FAIL empty) or must not be.
th_try() {
  TH_EPOCH=$2 TH_DIGEST=$3 TH_FAIL=
  if [ ! -d "$TH_ROOT" ]; then
    TH_X=$(mkdir -p "$TH_ROOT" 2>&1) || { TH_FAIL="notbegun ${TH_X##*mkdir: }"; return 1; }
  fi
  th_look_whole "$1"
  case $TH_STATE in absent) return 0;; void) return 1;; esac
  if [ "$2" -lt "${TH_S_EPOCH:-0}" ]; then TH_FAIL="refused epoch $TH_S_EPOCH"
  elif [ "$3" != "$TH_S_DIGEST" ]; then TH_FAIL="refused script"; fi
  return 1
}

th_sync() {
  sync "$@" 2>/dev/null || sync 2>/dev/null || dd if=/dev/null of="$1" conv=notrunc,fsync 2>/dev/null || :
}

# What of the results told since the last sync is not released yet.
th_unsynced_files() {
  TH_FILES=
  for TH_ID in $TH_UNSYNCED; do
    for TH_X in result out err; do
      [ -s "$TH_ROOT/$TH_ID.$TH_X" ] && TH_FILES="$TH_FILES $TH_ID.$TH_X"
    done
  done
}

th_settle() {
  th_unsynced_files
  # shellcheck disable=SC2086 # split on purpose
  [ -z "$TH_FILES" ] || ! cd "$TH_ROOT" 2>/dev/null || th_sync $TH_FILES
}

# The runner: claims, records who it is, runs, records the end. Ends with 0 (there is a result), 3 (somebody else has
# the claim) or 9 (could not begin; has said so on descriptor 3). MERGE is 1 when stderr goes where stdout goes.
th_run() {
  TH_MERGE=$1
  shift
  # Caught, not ignored: what is ignored stays ignored in the command. XFSZ: a file size limit becomes a write error.
  trap : HUP INT QUIT TERM PIPE
  trap '' XFSZ 2>/dev/null
  cd "$TH_ROOT" || exit 3
  TH_A=${TH_D##*/}
  th_self
  if [ "$TH_BORN" = - ] && [ -n "$TH_FLOCK" ]; then exec 8>>"$TH_A.lock"; "$TH_FLOCK" -n 8 || exit 3; fi
  TH_X=
  set -C
  { printf 'run %s %s %s %s %s\n' "$TH_EPOCH" "$TH_DIGEST" "$TH_BOOT" "$TH_PID" "$TH_BORN"; TH_X=$?; } >"$TH_A.started"
  set +C
  if [ -z "$TH_X" ]; then
    [ -e "$TH_A.started" ] && exit 3
    th_say "notbegun cannot create a file in $TH_ROOT" >&3
    exit 9
  fi
  if [ "$TH_X" != 0 ] || ! th_lay_out; then
    rm -f "$TH_A".*
    th_say "notbegun cannot write in $TH_ROOT (is the disk full?)" >&3
    exit 9
  fi
  th_sync "$TH_A.started" .
  printf 'running\n' >&3
  exec 3>&- 2>"$TH_A.why"
  ( th_command "$@" )
  TH_X=$?
  TH_END="code $TH_X"
  [ "$TH_X" -gt 128 ] && [ -s "$TH_A.why" ] && TH_END="signal $((TH_X - 128))"
  TH_OUT=0 TH_ERR=0
  if [ -s "$TH_A.out" ] || [ -s "$TH_A.err" ]; then
    # shellcheck disable=SC2046 # split on purpose: "N out M err S total"
    set -- $(wc -c "$TH_A.out" "$TH_A.err")
    TH_OUT=$1 TH_ERR=$3
  fi
  printf '%-63s\n' "$TH_END $TH_OUT $TH_ERR" 1<>"$TH_A.result"
  kill -0 $$ 2>/dev/null || th_sync "$TH_A.result" "$TH_A.out" "$TH_A.err"
  exit 0
}

th_lay_out() {
  printf '%s' "$TH_SCRIPT" >"$TH_A.script" && th_stdin >"$TH_A.in" && printf '' >"$TH_A.out" && printf '' >"$TH_A.err" &&
    printf '' >"$TH_A.why" && printf '%-63s\n' '' >"$TH_A.result"
}

# Replaced by the request where the command is fed something.
th_stdin() { :; }

# Becomes the command. This subshell's pid is the command's, and its session's.
th_command() {
  exec 8>&- <"$TH_A.in" >>"$TH_A.out"
  if [ "$TH_MERGE" = 1 ]; then exec 2>&1; else exec 2>>"$TH_A.err"; fi
  th_self
  printf '%s %s %s\n' "$TH_PID" "$TH_BORN" "${TH_SETSID:+session}" >"$TH_A.group"
  TH_SCRIPT=
  trap - HUP INT QUIT TERM PIPE XFSZ 2>/dev/null
  umask "$TH_UMASK"
  if [ -n "$TH_LC_SET" ]; then LC_ALL=$TH_LC; else unset LC_ALL; fi
  cd "$TH_HOME" || exit 126
  if [ -n "$TH_SETSID" ]; then exec "$TH_SETSID" "$@"; else exec "$@"; fi
}

# After the runner has ended, or was not needed: how it stands, waiting if somebody else runs it.
th_answer() {
  case $2 in 0) TH_UNSYNCED=" $1";; 9) return;; esac
  if [ -n "$TH_FAIL" ]; then th_say "$TH_FAIL"; return; fi
  th_look "$1"
  # Somebody else holds the lock and is about to claim.
  TH_TURN=0
  while [ "$2" = 3 ] && [ "$TH_STATE" = absent ] && [ "$TH_TURN" -lt 30 ]; do
    TH_TURN=$((TH_TURN + 1))
    th_nap 0.1
    th_look "$1"
  done
  case $TH_STATE in running|torn) th_wait "$1";; esac
  [ "$2" = 0 ] || th_check_output
  th_report 65536
}

th_follow() {
  th_look_whole "$1"
  case $TH_STATE in running) th_say running; th_wait "$1";; esac
  th_check_output
  th_report 0
}

th_wait() {
  TH_TURN=0
  while th_look "$1"; case $TH_STATE in running|torn) :;; *) false;; esac; do
    TH_TURN=$((TH_TURN + 1))
    case $TH_TURN in
      1|2|3) th_nap 0.01;;
      4|5|6|7) th_nap 0.03;;
      8|9|1[0-9]) th_nap 0.1;;
      [2-5][0-9]) th_nap 0.3; th_say tick;;
      *) [ "$TH_STATE" = torn ] && return; th_nap 1; th_say tick;;
    esac
  done
}

# A reboot may leave a result whose output never reached the disk.
th_check_output() {
  [ "$TH_STATE" = "done" ] && [ $((TH_OUT + TH_ERR)) -gt 0 ] || return 0
  # shellcheck disable=SC2046 # split on purpose: "N - M"
  set -- $(wc -c <"$TH_D.out" 2>/dev/null) - $(wc -c <"$TH_D.err" 2>/dev/null)
  [ $# = 3 ] && [ "$1" -ge "$TH_OUT" ] && [ "$3" -ge "$TH_ERR" ] || TH_STATE=lost
}

# INLINE_MAX: how many bytes may follow the line at once.
th_report() {
  if [ "$TH_STATE" != "done" ]; then
    [ "$TH_STATE" != torn ] || TH_STATE='gone died'
    th_status status
  elif [ $((TH_OUT + TH_ERR)) -eq 0 ]; then
    th_say end "$TH_END" "$TH_CODE" 0 0 1
  elif [ $((TH_OUT + TH_ERR)) -gt "$1" ]; then
    th_say end "$TH_END" "$TH_CODE" "$TH_OUT" "$TH_ERR" 0
  else
    th_say end "$TH_END" "$TH_CODE" "$TH_OUT" "$TH_ERR" 1
    [ "$TH_OUT" = 0 ] || head -c "$TH_OUT" "$TH_D.out"
    [ "$TH_ERR" = 0 ] || head -c "$TH_ERR" "$TH_D.err"
  fi
}

# dd moves the offset of the open file (it seeks; it does not read what it passes), head sends the rest.
th_read() {
  {
    [ "$3" = 0 ] || dd bs=1 count=0 skip="$3" 2>/dev/null
    head -c "$4"
  } <"$TH_ROOT/$1.$2"
}

# Pids of the living processes of the command: its session, or without setsid its descendants as far as they are known.
th_members() {
  TH_FOUND=
  if [ ! -r "$TH_PROC/self/stat" ]; then
    if [ "$TH_G_KIND" = session ]; then kill -s 0 -- "-$TH_G_PID" 2>/dev/null && TH_FOUND="-$TH_G_PID"
    else kill -0 "$TH_G_PID" 2>/dev/null && TH_FOUND=$TH_G_PID; fi
    return
  fi
  for TH_X in "$TH_PROC"/[0-9]*; do
    { read -r TH_LINE <"$TH_X/stat"; } 2>/dev/null || continue
    th_stat "$TH_LINE"
    case $TH_STAT_STATE in Z|X) continue;; esac
    TH_X=${TH_X##*/}
    if [ "$TH_G_KIND" = session ]; then
      [ "$TH_STAT_SESSION" = "$TH_G_PID" ] && TH_FOUND="$TH_FOUND $TH_X"
    else
      # A child's directory comes after its parent's unless pids have wrapped; the next round finds those.
      case " $TH_TREE " in
        *" $TH_X:$TH_STAT_BORN "*) TH_FOUND="$TH_FOUND $TH_X";;
        *" $TH_STAT_PARENT:"*) TH_TREE="$TH_TREE $TH_X:$TH_STAT_BORN"; TH_FOUND="$TH_FOUND $TH_X";;
      esac
    fi
  done
}

th_kill() {
  [ "$TH_G_KIND" = session ] && kill -s "$1" -- "-$TH_G_PID" 2>/dev/null
  for TH_X in $TH_FOUND; do kill -s "$1" -- "$TH_X" 2>/dev/null; done
}

# Waits until no member is left, for at most TENTHS of a second.
th_gone_within() {
  TH_TURN=0
  while th_members; [ -n "$TH_FOUND" ]; do
    [ "$TH_TURN" -lt "$1" ] || return 1
    TH_TURN=$((TH_TURN + 1))
    th_nap 0.1
  done
}

th_stop() {
  TH_TURN=0
  while th_look_whole "$1"; [ "$TH_STATE" = running ] && [ ! -s "$TH_D.group" ] && [ "$TH_TURN" -lt 50 ]; do
    TH_TURN=$((TH_TURN + 1))
    th_nap 0.05
  done
  if { read -r TH_G_PID TH_G_BORN TH_G_KIND <"$TH_D.group"; } 2>/dev/null && [ "$TH_S_BOOT" = "$TH_BOOT" ] &&
    th_group_is_ours; then
    TH_TREE="$TH_G_PID:$TH_G_BORN"
    th_members
    th_kill TERM
    th_gone_within "$2" || { th_kill KILL; th_gone_within 50; } || { th_say still; return; }
  fi
  TH_TURN=0
  while th_look "$1"; [ "$TH_STATE" = running ] && [ "$TH_TURN" -lt 40 ]; do
    TH_TURN=$((TH_TURN + 1))
    th_nap 0.05
  done
  if [ "$TH_STATE" = running ]; then th_say still; else th_status stopped; fi
}

# The number of a session is free for others once nobody of it is left.
th_group_is_ours() {
  [ -e "$TH_PROC/$TH_G_PID" ] || return 0
  th_is "$TH_G_PID" "$TH_G_BORN" || case $TH_STAT_STATE in Z|X) [ "$TH_STAT_BORN" = "$TH_G_BORN" ];; *) false;; esac
}

th_void() {
  [ -d "$TH_ROOT" ] || mkdir -p "$TH_ROOT" 2>/dev/null
  set -C
  { printf 'void\n'; } 2>/dev/null >"$TH_ROOT/$1.started"
  set +C
  th_look_whole "$1"
  [ "$TH_STATE" = void ] && th_sync "$TH_D.started" "$TH_ROOT"
  [ "$TH_STATE" = absent ] && TH_STATE='notbegun'
  th_status status
}

th_release() {
  TH_FILES=
  for TH_ID in "$@"; do
    th_look "$TH_ID"
    case $TH_STATE in
      running|torn|absent|void) continue;;
      "done") printf '%-63s\n' "$TH_END $TH_CODE 0 0" 1<>"$TH_D.result";;
    esac
    for TH_X in out err script in why group lock; do TH_FILES="$TH_FILES $TH_ID.$TH_X"; done
  done
  # shellcheck disable=SC2086 # split on purpose
  [ -z "$TH_FILES" ] || (cd "$TH_ROOT" && rm -f $TH_FILES)
  th_say released
}
