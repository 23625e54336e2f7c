#!/bin/sh
# Puts the state that the example runbooks work on below one directory, which plays the home of a demo host.
#
#   sh prepare-host.sh DIRECTORY
#
# The runbooks look for `app/…` in the account's home, so whoever uses this gives the host HOME=DIRECTORY
# (sshd_config: `SetEnv HOME=DIRECTORY`). Writes nowhere else. Safe to repeat: what is there is left as it is.
# The two services end by themselves within a second or two once DIRECTORY is removed.
#
#   app/logs                a service's logs: six large rotated ones, eight compressed ones, 45 MB in all
#   app/tls                 a certificate that expires in five days, and its key
#   app/bin/web             a service that answers
#   app/bin/worker          a service that hangs: it runs and does not answer
#   app/bin/renew           writes a new certificate to the path it is given
set -eu
umask 077

if [ $# -ne 1 ] || [ -z "$1" ]; then
	echo "usage: prepare-host.sh DIRECTORY" >&2
	exit 2
fi
mkdir -p -- "$1/app/logs/archive" "$1/app/tls" "$1/app/bin" "$1/app/run"
cd -- "$1/app"

# Noise does not compress, as archives that are compressed already do not.
archive=1
while [ "$archive" -le 8 ]; do
	file=logs/archive/web-2026-10-0$archive.log.gz
	[ -e "$file" ] || head -c 4000000 /dev/urandom >"$file"
	archive=$((archive + 1))
done
rotated=1
while [ "$rotated" -le 6 ]; do
	file=logs/web.log.$rotated
	[ -e "$file" ] || [ -e "$file.gz" ] ||
		awk -v n="$rotated" 'BEGIN { for (i = 0; i < 40000; i++)
			printf "2026-10-%02dT03:%02d:%02dZ GET /orders/%d 200 %d ms worker=%d\n", 20 + n, i / 60 % 60, i % 60, i * 7919 % 100003, i * 31 % 900, i % 8 }' >"$file"
	rotated=$((rotated + 1))
done

cat >bin/service.new <<'SERVICE'
#!/bin/sh
# A small service, controlled as those in /etc/init.d are. It answers by writing the time into a file each second.
# `status` exits with 0 when it answers, 3 when it does not run, 4 when it runs and does not answer.
set -eu
name=${0##*/}
cd -- "$(dirname -- "$0")/.."
run=run/$name
log=logs/$name.log

say() { echo "$(date +%FT%TZ) $name: $*" >>"$log"; }
runs() {
	[ -s "$run/pid" ] && kill -0 "$(cat "$run/pid")" 2>/dev/null || return 1
	# A zombie has ended already; whoever inherited it has not looked yet.
	case $(cat "/proc/$(cat "$run/pid")/stat" 2>/dev/null) in *') Z '*) return 1 ;; esac
}
answers() { [ ! -e "$run/hung" ] && [ -s "$run/heartbeat" ] && [ $(($(date +%s) - $(cat "$run/heartbeat"))) -le 3 ]; }

serve() {
	while [ -d "$run" ]; do
		[ -e "$run/hung" ] || date +%s >"$run/heartbeat.new" && mv "$run/heartbeat.new" "$run/heartbeat" 2>/dev/null || :
		sleep 1
	done
}

start() {
	if runs; then return; fi
	mkdir -p "$run"
	rm -f "$run/hung" "$run/heartbeat"
	detach=$(command -v setsid || :)
	# Nothing of ours stays open in it: no terminal, no pipe, no lock.
	$detach sh "bin/$name" serve </dev/null >/dev/null 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
	echo $! >"$run/pid"
	say "started as $!"
}

stop() {
	runs || return 0
	kill "$(cat "$run/pid")" 2>/dev/null || :
	tries=0
	while runs && [ $tries -lt 50 ]; do
		sleep 0.1
		tries=$((tries + 1))
	done
	rm -f "$run/pid" "$run/heartbeat"
	say stopped
}

case ${1:-} in
start) start ;;
stop) stop ;;
restart)
	stop
	start
	;;
status)
	if ! runs; then echo "$name does not run" && exit 3; fi
	if ! answers; then echo "$name runs as $(cat "$run/pid") and does not answer" && exit 4; fi
	echo "$name runs as $(cat "$run/pid") and answers"
	;;
configtest)
	if grep -n -v -E '^([a-z_]+ = .+)?$' "$name.conf"; then
		echo "$name.conf: the lines above are not 'name = value'" >&2
		exit 1
	fi
	echo "$name.conf: good"
	;;
hang) : >"$run/hung" && rm -f "$run/heartbeat" && say "waiting for a lock held by nobody" ;;
serve) serve ;;
*) echo "usage: $name start|stop|restart|status|configtest" >&2 && exit 2 ;;
esac
SERVICE
chmod 700 bin/service.new

for name in web worker; do
	[ -e "$name.conf" ] || printf 'listen = 127.0.0.1\nworkers = 4\n' >"$name.conf"
	[ -e "bin/$name" ] || {
		cp bin/service.new "bin/$name"
		"bin/$name" start
		[ "$name" != worker ] || "bin/$name" hang
	}
done
rm -f bin/service.new

[ -e bin/renew ] || {
	cat >bin/renew <<'RENEW'
#!/bin/sh
# Writes a certificate for the service's key, good for 90 days, to the path it is given. Stands in for an ACME client.
set -eu
key=$(cd -- "$(dirname -- "$0")/../tls" && pwd)/key.pem
exec openssl req -x509 -key "$key" -subj /CN=web.internal -days 90 -out "$1"
RENEW
	chmod 700 bin/renew
}
if ! command -v openssl >/dev/null 2>&1; then
	echo "prepare-host: no openssl here: the certificate example has no certificate" >&2
elif [ ! -e tls/certificate.pem ]; then
	openssl req -x509 -newkey rsa:2048 -nodes -keyout tls/key.pem -subj /CN=web.internal -days 5 \
		-out tls/certificate.pem 2>/dev/null
fi
