#!/bin/bash
# Installs, runs, upgrades and purges the package under a real systemd: run.sh FILE.deb
# Boots one over this machine's own root (systemd-nspawn, nothing of the machine is changed), so the package's dependencies must be
# installed here. Exit status: 0 all is well, 1 something is not, 77 skipped because none can be booted.
set -u
package=$(readlink -f "${1:?usage: run.sh FILE.deb}")
[ -f "$package" ] || { echo "$package is not there; make it with: make deb" >&2; exit 1; }
skip() { echo "SKIPPED: $*"; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "only root can boot a systemd of its own"
command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is missing (apt-get install systemd-container)"
command -v nsenter >/dev/null || skip "nsenter is missing (apt-get install util-linux)"

base=$(mktemp -d /run/segmixd-test.XXXXXX)
root=$base/root
leader= nspawn=
finish() {
    [ -z "$leader" ] || nsenter -t "$leader" -a systemctl poweroff >/dev/null 2>&1
    if [ -n "$nspawn" ]; then
        for _ in $(seq 100); do kill -0 "$nspawn" 2>/dev/null || break; sleep 0.1; done
        kill "$nspawn" 2>/dev/null
        wait "$nspawn" 2>/dev/null
    fi
    umount "$root" 2>/dev/null
    umount "$base" 2>/dev/null
    rmdir "$base"
}
trap finish EXIT
mount -t tmpfs tmpfs "$base" || skip "a tmpfs cannot be mounted here"
mkdir "$base"/{upper,work,root,packages}
mount -t overlay overlay -o lowerdir=/,upperdir="$base/upper",workdir="$base/work" "$root" || skip "an overlay cannot be mounted here"
# Images of containers forbid services to start; and nothing of an earlier installation is to be seen.
rm -f "$root/usr/sbin/policy-rc.d"
rm -rf "$root/srv/segmixd" "$root/var/lib/segmixd" "$root/etc/segmixd" "$root/test"
mkdir "$root/test"

# The same package with a higher version: what an upgrade is given.
dpkg-deb -R "$package" "$base/packages/tree"
sed -i 's/^Version: .*/&+1/' "$base/packages/tree/DEBIAN/control"
cp "$package" "$root/test/old.deb"
dpkg-deb --root-owner-group -Zgzip -z1 --build "$base/packages/tree" "$root/test/new.deb" >/dev/null || exit 1
rm -rf "$base/packages/tree"

systemd-nspawn -q -D "$root" -b --register=no --keep-unit --private-network --link-journal=no --console=pipe \
    systemd.unit=basic.target > "$base/console" 2>&1 < /dev/null &
nspawn=$!
state=
for _ in $(seq 300); do
    leader=$(pgrep -P "$nspawn" -x systemd | head -1)
    [ -z "$leader" ] || state=$(nsenter -t "$leader" -a systemctl is-system-running 2>/dev/null)
    case $state in running|degraded) break;; esac
    kill -0 "$nspawn" 2>/dev/null || break
    sleep 0.1
done
case $state in running|degraded) ;; *) skip "systemd does not come up in a container here: $(tail -1 "$base/console")";; esac

inside() { nsenter -t "$leader" -a "$@"; }
sh() { inside /bin/sh -c "$1"; }
value() { inside systemctl show --value -p "$1" "${2:-segmixd.service}"; }
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
    inside journalctl -q -n 30 --no-pager -o cat -u segmixd.service -u segmixd-drain.service | sed 's/^/    /'
}
# check WHAT COMMAND…
check() {
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "ok: $what"; else fail "$what"; fi
}
# soon SECONDS WHAT COMMAND…: holds within so many seconds.
soon() {
    local end=$((SECONDS + $1)) what=$2
    shift 2
    while [ $SECONDS -lt $end ]; do
        if "$@" >/dev/null 2>&1; then echo "ok: $what"; return; fi
        sleep 0.2
    done
    fail "$what"
}
is() { [ "$("${@:2}")" = "$1" ]; }
status_says() { value StatusText | grep -q "$1"; }
journal_says() { inside journalctl -q --no-pager -o cat -u segmixd.service | grep -q "$1"; }
process_is_not() { [ "$(value MainPID)" != "$1" ] && [ "$(value MainPID)" != 0 ]; }

# A first installation starts the daemon.
check "installs" inside dpkg -i /test/old.deb
check "is active" inside systemctl is-active segmixd.service
check "is enabled" inside systemctl is-enabled segmixd.service
check "says that it is idle" status_says '^idle'
check "the timer is there, and off" is disabled inside systemctl is-enabled segmixd-drain.timer
check "runs as its own user" sh '[ "$(ps -o user= -p '"$(value MainPID)"')" = segmixd ]'
check "inbox and outbox belong to the group" sh '[ "$(stat -c %U:%G:%a /srv/segmixd/inbox /srv/segmixd/outbox | sort -u)" = segmixd:segmixd:2775 ]'
check "manual pages are found" inside test -s /usr/share/man/man8/segmixd.8.gz

# A model and photos, drawn by the program itself.
check "makes a model and a job" sh 'cd /test && segmix demo --output /test/demo --steps 1'
sh 'mkdir /test/job && cp -r /test/demo/state/done/*/input/*/. /test/job/ 2>/dev/null || cp -r /test/demo/state/done/*/*/. /test/job/; mkdir -p /srv/models; cp -r /test/demo/model /srv/models/small
    printf "settle_seconds: 1\nmodels: {small: {base: /srv/models/small}}\n" >> /test/added'
check "the job is a job" inside test -s /test/job/metadata.jsonl

# Reload: what is faulty is refused; what is right holds.
sh 'cp /etc/segmixd/segmixd.yaml /test/segmixd.yaml; sed -i "/^settle_seconds/d" /etc/segmixd/segmixd.yaml; cat /test/added >> /etc/segmixd/segmixd.yaml; echo "hourz: 1" >> /etc/segmixd/segmixd.yaml'
before=$(value MainPID)
check "reloads" inside systemctl reload segmixd.service
soon 10 "a faulty configuration is refused, by line" journal_says 'hourz'
check "and the daemon goes on" is "$before" value MainPID
sh 'sed -i "/^hourz/d; s/^max_attempts:.*/max_attempts: 4/" /etc/segmixd/segmixd.yaml'
check "reloads again" inside systemctl reload segmixd.service
soon 10 "a right configuration is taken over" journal_says 'was read again'
soon 10 "what needs a restart is said" journal_says 'settle_seconds hold after a restart'
check "is active after reloads" inside systemctl is-active segmixd.service

# The nightly batch, the daemon being off.
sh 'systemctl start segmixd-drain.service'
# The journal may be a moment behind.
soon 10 "the batch is passed over while the daemon runs" sh 'journalctl -q -o cat -u segmixd-drain.service | grep -q "exec-condition" && ! systemctl is-active segmixd-drain.service'
inside systemctl stop segmixd.service
check "stops cleanly" is success value Result
sh 'cp -r /test/job /test/night && printf "max_train_steps: 2\nresolution: 64\nwith_prior_preservation: false\n" > /test/night/job.yaml && mv /test/night /srv/segmixd/inbox/night && chown -R segmixd: /srv/segmixd/inbox/night'
inside systemctl start segmixd-drain.service
soon 120 "the batch brings a job to the outbox" inside test -s /srv/segmixd/outbox/night/pytorch_lora_weights.safetensors
soon 20 "and ends" is inactive value ActiveState segmixd-drain.service
check "well" is success value Result segmixd-drain.service

# A folder of somebody else's that cannot be taken away stays where it is, and comes up again when it can.
inside systemctl start segmixd.service
sh 'useradd --groups segmixd alice; cp -r /test/job /test/alice; printf "max_train_steps: 1\nresolution: 64\nwith_prior_preservation: false\n" > /test/alice/job.yaml; chmod -R go=rX /test/alice; runuser -u alice -- sh -c "umask 022; cp -r /test/alice /srv/segmixd/inbox/alice"'
soon 30 "a folder that may not be moved is told of" sh 'segmix status | grep -q "may not move it.*chmod -R g+rwX"'
check "and stays" inside test -s /srv/segmixd/inbox/alice/metadata.jsonl
sh 'runuser -u alice -- chmod -R g+rwX /srv/segmixd/inbox/alice'
soon 120 "given the right, it is taken" inside test -s /srv/segmixd/outbox/alice/pytorch_lora_weights.safetensors
check "and nothing is left of it" sh '[ -z "$(ls -A /srv/segmixd/inbox)" ]'

# A long job.
sh 'cp -r /test/job /test/long && printf "max_train_steps: 100000\nresolution: 64\ncheckpointing_steps: 5\nwith_prior_preservation: false\n" > /test/long/job.yaml && chown -R segmixd: /test/long && mv /test/long /srv/segmixd/inbox/long'
soon 60 "the status says what runs and how far it is" status_says '^running long, step [0-9]*/100000'

# Watchdog: a daemon that hangs is ended and started anew, and its job goes on.
sh 'mkdir -p /run/systemd/system/segmixd.service.d && printf "[Service]\nWatchdogSec=6\nTimeoutAbortSec=2\nRestartSec=1\n" > /run/systemd/system/segmixd.service.d/test.conf && systemctl daemon-reload && systemctl restart segmixd.service'
soon 60 "runs again after a restart" status_says '^running long, step'
before=$(value MainPID)
sleep 10
check "the watchdog is answered while all is well" is "$before" value MainPID
inside kill -STOP "$before"
soon 40 "the watchdog ends what hangs" journal_says 'Watchdog timeout'
soon 60 "and it is started anew" process_is_not "$before"
soon 60 "the job goes on" status_says '^running long, step'
check "no worker is left over" sh '[ "$(pgrep -cx segmix)" = 1 ]'

# Upgrade: the job goes on in the new daemon.
before=$(value MainPID)
sh 'sed -i "s/^rescan_seconds:.*/rescan_seconds: 61/" /etc/segmixd/segmixd.yaml'
check "upgrades" sh 'DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i /test/new.deb'
soon 60 "the new daemon runs" process_is_not "$before"
soon 60 "the job goes on after the upgrade" status_says '^running long, step'
check "the configuration is still the user's" sh 'grep -q "rescan_seconds: 61" /etc/segmixd/segmixd.yaml'
check "nothing has failed" sh '! ls -d /srv/segmixd/outbox/*.failed'

# Stop: a resume point is written in time.
asked=$(sh "journalctl -u segmixd | grep -c 'goes on from its resume point'" || true)
inside systemctl stop segmixd.service
check "stops with a job running" is success value Result
soon 10 "the worker was asked, not killed" sh "[ \$(journalctl -u segmixd | grep -c 'goes on from its resume point') -gt ${asked:-0} ]"
check "no process is left" sh '! pgrep -x segmix'
check "an upgrade of a stopped daemon" sh 'DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i /test/new.deb'
check "leaves it stopped" is inactive value ActiveState

# Remove and install again; then purge.
inside systemctl start segmixd.service
inside systemctl enable --now segmixd-drain.timer
soon 60 "runs before it is removed" status_says '^running long, step'
check "removes a running daemon" inside dpkg --remove segmixd
check "installs again" sh 'DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i /test/new.deb'
soon 60 "the queue goes on then" status_says '^running long, step'
check "and the timer that ran" is active value ActiveState segmixd-drain.timer
check "removes" inside dpkg --remove segmixd
check "the queue stays" sh 'ls /var/lib/segmixd/jobs/*/input/long'
# A folder that was being copied, and what a copy that is whole has left of another.
sh 'mkdir -p /var/lib/segmixd/jobs/00aa/input /srv/segmixd/inbox/.half.way.00aa.taking && touch /srv/segmixd/inbox/.half.way.00aa.taking/metadata.jsonl'
sh 'cd /var/lib/segmixd/jobs/*/input/long/../.. && cp -r input/long "/srv/segmixd/inbox/.long.$(basename "$PWD").taking" && mkdir "/srv/segmixd/inbox/..long.$(basename "$PWD").taking.leaving"'
check "purges" inside dpkg --purge segmixd
check "state and configuration are gone" sh '[ ! -e /var/lib/segmixd ] && [ ! -e /etc/segmixd ]'
check "units and programs are gone" sh '[ ! -e /lib/systemd/system/segmixd.service ] && [ ! -e /usr/bin/segmixd ] && ! ls /etc/systemd/system/*/segmixd* && ! ls /var/lib/systemd/deb-systemd-helper-*/segmixd*'
check "what was not finished is in the inbox again" inside test -s /srv/segmixd/inbox/long/metadata.jsonl
check "and what was on its way" sh 'test -f /srv/segmixd/inbox/half.way/metadata.jsonl && ! ls -d /srv/segmixd/inbox/.*.taking /srv/segmixd/inbox/..*.leaving'
check "the outbox is as it was" inside test -s /srv/segmixd/outbox/night/pytorch_lora_weights.safetensors

[ $failures -eq 0 ] && echo "All is well." || { echo "$failures failed."; exit 1; }
