#!/bin/sh
# Runs Snakemake on a SLURM cluster, after a run of this folder that was killed: waits for what that submitted, which goes
# on by itself, then unlocks the folder. Arguments are Snakemake's.
set -eu
here=$(pwd -P)
mkdir -p .snakemake
killed=.snakemake/slurm.killed # there while Snakemake runs, and after it if it had no time to unlock
exec 9> .snakemake/slurm.lock
flock --nonblock 9 || { echo "another run.sh is at work in $here"; exit 1; }

submitted() { # ids of the queue's jobs that a run of this folder submitted
  queue=$(squeue --me --noheader --format='%A %j %Z')
  echo "$queue" | while read -r job name folder; do
    case $name in leaveout_*) [ "$folder" != "$here" ] || echo "$job" ;; esac
  done
}

while true; do
  jobs=$(submitted)
  [ -n "$jobs" ] || break
  echo "waiting for submissions of an earlier run; to end them: scancel" $jobs
  sleep 10
done
snakemake() { python -m snakemake --workflow-profile profiles/slurm "$@"; }
if [ -e "$killed" ]; then snakemake --unlock; fi
touch "$killed"
status=0
snakemake "$@" || status=$?
[ "$status" -ge 128 ] || rm "$killed"
exit "$status"
