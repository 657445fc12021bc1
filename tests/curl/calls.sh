#!/usr/bin/env bash
# The three calls of the service's document (section 12) and the refusals, with curl alone. The same against any home:
#
#   UBERTOONS_URL            base with the stage: http://127.0.0.1:8080/prod, https://ID.execute-api.REGION.amazonaws.com/prod
#   UBERTOONS_TOKEN          of a caller who may submit
#   UBERTOONS_OTHER_TOKEN    of another tenant; UBERTOONS_EXPIRED_TOKEN: one whose time is over. Without them those checks are skipped, and
#                            said to be.
#   UBERTOONS_TOONS          a JSON array of toons to submit; by default three small ones
#
# Prints one line per check; exit code 1 if any failed, 2 if it could not run.
set -uo pipefail

: "${UBERTOONS_URL:?the base of the service, with its stage}" "${UBERTOONS_TOKEN:?a bearer token}"
command -v curl >/dev/null && command -v jq >/dev/null || { echo "curl and jq are needed" >&2; exit 2; }

TOONS=${UBERTOONS_TOONS:-'[
  {"toonId": "hello", "type": "message", "json": {"hello": "Acme"}},
  {"toonId": "cage-7", "type": "telemetry", "text": "t,temperature\n0,21.5\n1,21.7\n2,21.6\n"},
  {"toonId": "raw", "type": "binary", "data": "AAECAwQFBgcICQ=="}
]'}
JOB="CURL-$(date +%s)-$$-$RANDOM"
WAIT_SECONDS=${UBERTOONS_WAIT_SECONDS:-120}
failed=0
status=000
body=

# call CURL-ARGUMENTS...: sets `status` and `body`.
call() {
  local answer
  answer=$(curl --silent --show-error --max-time 60 --write-out '\n%{http_code}' "$@") || true
  status=${answer##*$'\n'}
  body=${answer%$'\n'*}
}
as() { printf 'Authorization: Bearer %s' "$1"; }
# check WHAT CONDITION...: prints how it went.
check() {
  local what=$1
  shift
  if "$@"; then echo "ok    $what"; else
    failed=$((failed + 1))
    printf 'FAIL  %s\n      status %s, body %.600s\n' "$what" "$status" "$body"
  fi
}
skip() { echo "skip  $1"; }
says() { jq -e "$1" >/dev/null 2>&1 <<<"$body"; }
answered() { [[ $status == "$1" ]] && { [[ -z ${2:-} ]] || says "$2"; }; }
refused() { [[ $status == "$1" ]]; }

# --- the three calls ---------------------------------------------------------------------------------------------------------------
# As in the document: -d alone, so curl says application/x-www-form-urlencoded.
call -H "$(as "$UBERTOONS_TOKEN")" -d "{\"jobId\":\"$JOB\",\"toons\":$TOONS}" "$UBERTOONS_URL/submit-job"
check "submit-job is accepted" answered 202 ".jobId == \"$JOB\" and .status == \"Pending\""

wanted=$(jq length <<<"$TOONS")
deadline=$((SECONDS + WAIT_SECONDS))
while call -H "$(as "$UBERTOONS_TOKEN")" "$UBERTOONS_URL/jobs/$JOB"; says '.status == "Pending" or .status == "Processing"' && ((SECONDS < deadline)); do
  sleep 0.5
done
check "the job completes" answered 200 ".status == \"Completed\" and .toonCount == $wanted and .processed == $wanted and .failed == 0"
check "the status has id, count, state, metadata and time" says 'has("jobId") and has("processed") and has("status") and has("metadata") and has("timestamp")'

call -H "$(as "$UBERTOONS_TOKEN")" "$UBERTOONS_URL/results?jobId=$JOB"
check "results has one row per toon" answered 200 "(.results | length) == $wanted"
check "each row has id, type, result, fingerprint and duration" says '.results | all(has("toonId") and has("type") and has("result") and (.fingerprint.sha256 | test("^[0-9a-f]{64}$")) and has("durationMs"))'

# --- again ---------------------------------------------------------------------------------------------------------------------------
call -H "$(as "$UBERTOONS_TOKEN")" -d "{\"jobId\":\"$JOB\",\"toons\":$TOONS}" "$UBERTOONS_URL/submit-job"
check "the same job again is answered the same" answered 202 ".jobId == \"$JOB\""
call -H "$(as "$UBERTOONS_TOKEN")" -d "{\"jobId\":\"$JOB\",\"toons\":[{\"toonId\":\"x\",\"type\":\"message\",\"json\":1}]}" "$UBERTOONS_URL/submit-job"
check "another job of that id is a conflict" refused 409

# --- refusals ------------------------------------------------------------------------------------------------------------------------
call -d "{\"toons\":$TOONS}" "$UBERTOONS_URL/submit-job"
check "no token: 401" refused 401
call -H "$(as not-a-token)" "$UBERTOONS_URL/jobs/$JOB"
check "nonsense as a token: 401" refused 401
call -H "$(as "${UBERTOONS_TOKEN%?????}AAAAA")" "$UBERTOONS_URL/jobs/$JOB"
check "a token that was changed: 401" refused 401
if [[ -n ${UBERTOONS_EXPIRED_TOKEN:-} ]]; then
  call -H "$(as "$UBERTOONS_EXPIRED_TOKEN")" "$UBERTOONS_URL/jobs/$JOB"
  check "an expired token: 401" refused 401
else skip "an expired token (UBERTOONS_EXPIRED_TOKEN is not set)"; fi
if [[ -n ${UBERTOONS_OTHER_TOKEN:-} ]]; then
  call -H "$(as "$UBERTOONS_OTHER_TOKEN")" "$UBERTOONS_URL/jobs/$JOB"
  check "another tenant does not see the job: 404" refused 404
  call -H "$(as "$UBERTOONS_OTHER_TOKEN")" "$UBERTOONS_URL/results?jobId=$JOB"
  check "nor its results: 404" refused 404
else skip "another tenant (UBERTOONS_OTHER_TOKEN is not set)"; fi
for payload in '{' '{}' '{"toons":[]}' '{"toons":[{"toonId":"a"}]}' '{"toons":[{"toonId":"a","type":"message","json":1}],"unknown":1}' 'not json'; do
  call -H "$(as "$UBERTOONS_TOKEN")" -d "$payload" "$UBERTOONS_URL/submit-job"
  check "a bad payload is refused with a problem: $payload" answered 400 '.status == 400 and has("title")'
done
call -H "$(as "$UBERTOONS_TOKEN")" "$UBERTOONS_URL/jobs/NO-SUCH-$JOB"
check "an unknown job: 404" refused 404
call -H "$(as "$UBERTOONS_TOKEN")" "$UBERTOONS_URL/results"
check "results without a job: 400" refused 400

echo "$([[ $failed -eq 0 ]] && echo "all passed" || echo "$failed failed")"
exit $((failed > 0))
