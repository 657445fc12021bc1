#!/usr/bin/env bash
# The demo: a server on a free loopback port with a temporary data folder, the samples as two jobs, and what came out.
# UBERTOONS_BIN_DIR names the folder of the programs. `--keep` leaves the server and its data up.
set -euo pipefail

ROOT=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd -P)
UBERTOONS=${UBERTOONS_BIN_DIR:?names the folder of the programs}/ubertoons
PYTHON=${PYTHON:-/usr/bin/python3}
READY_SECONDS=60
STOP_SECONDS=30
keep=
case ${1:-} in
  "") ;;
  --keep) keep=1 ;;
  *)
    printf '%s\n' "usage: ./dev demo [--keep]" >&2
    exit 2
    ;;
esac

bold='' dim='' reset=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' dim=$'\e[2m' reset=$'\e[0m'
fi
title() { printf '\n%s%s%s\n' "$bold" "$*" "$reset"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$reset"; }

work=$(mktemp -d "${TMPDIR:-/tmp}/ubertoons-demo.XXXXXX")
server=''

stop_server() {
  [[ $server ]] || return 0
  kill -TERM "$server" 2>/dev/null || true
  for ((i = 0; i < STOP_SECONDS * 10; i++)); do
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=''
}
cleanup() {
  local code=$?
  trap - EXIT INT TERM
  if [[ $code -ne 0 && -s $work/server.log ]]; then
    printf '%s\n' "the server's last lines:" >&2
    tail -n 20 "$work/server.log" >&2
  fi
  if [[ -z $keep || $code -ne 0 ]]; then
    stop_server
    rm -rf "$work"
  fi
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The word-cloud processor is a plain Python Lambda; to the server it is a command in the configuration.
cat >"$work/config.toml" <<CONFIG
[processors.wordcloud]
command = ["$PYTHON", "$ROOT/workers/python/bootstrap.py", "wordcloud.handler"]
CONFIG

start_server() {
  : >"$work/server.out"
  # A session of its own, so that with --keep it survives this terminal.
  setsid "$UBERTOONS" serve --data "$work/data" --listen 127.0.0.1:0 --config "$work/config.toml" \
    </dev/null >"$work/server.out" 2>"$work/server.log" &
  server=$!
  for ((i = 0; i < READY_SECONDS * 20; i++)); do
    url=$(sed -n 's/^ubertoons listening on //p' "$work/server.out")
    [[ -z $url ]] || return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.05
  done
  printf '%s\n' "the server did not get ready" >&2
  return 1
}

run_job() {  # run_job ID FILE
  local code=0
  title "Job $1: $(basename "$2")"
  "$UBERTOONS" submit "$2" --job-id "$1" --watch || code=$?
  if [[ $code -ne 0 ]]; then
    printf '%s\n' "what failed in $1:" >&2
    "$UBERTOONS" results "$1" --state Failed >&2 || true
  fi
  return "$code"
}
show_job() {  # show_job ID
  title "Status of $1"
  "$UBERTOONS" status "$1" --json
  title "Results of $1"
  "$UBERTOONS" results "$1"
}

start_server
UBERTOONS_TOKEN=$("$UBERTOONS" token --data "$work/data" --sub demo --role operator)
export UBERTOONS_URL=$url UBERTOONS_TOKEN
note "server $server at $url, data in $work/data"

run_job acme-samples "$ROOT/samples/manifest.json"
run_job acme-wordcloud "$ROOT/samples/wordcloud.json"
show_job acme-samples
show_job acme-wordcloud

# Kept with the server, else in the build folder, so that the files outlive the temporary one.
artifacts=$work/artifacts
[[ $keep ]] || artifacts=${UBERTOONS_DEMO_OUT:-$ROOT/build/demo}
rm -rf "$artifacts"
for job in acme-samples acme-wordcloud; do
  "$UBERTOONS" artifacts "$job" -o "$artifacts/$job" >/dev/null
done
title "Fan-in artifacts"
find "$artifacts"/*/_job -type f | sort
note "and $(find "$artifacts" -type f -not -path '*/_job/*' | wc -l) artifacts of single toons in $artifacts"

if [[ $keep ]]; then
  title "The server stays up (process $server; stop it with: kill $server)"
  printf '%s\n' "URL   $url" "TOKEN $UBERTOONS_TOKEN" ""
  printf '%s\n' "curl -H 'Authorization: Bearer $UBERTOONS_TOKEN' -d '{\"jobId\":\"JOB001\",\"toons\":[{\"toonId\":\"hello\",\"type\":\"message\",\"json\":{\"hello\":\"world\"}}]}' $url/prod/submit-job"
  printf '%s\n' "curl -H 'Authorization: Bearer $UBERTOONS_TOKEN' $url/prod/jobs/JOB001"
  printf '%s\n' "curl -H 'Authorization: Bearer $UBERTOONS_TOKEN' '$url/prod/results?jobId=JOB001'"
fi
