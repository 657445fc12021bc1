#!/usr/bin/env bash
# Puts packages and nested templates where CloudFormation reads them, and writes what it is given:
#
#   tools/templates.sh --bucket BUCKET --prefix PREFIX [--packages build/packages] [--out build/deploy]
#
# OUT/ubertoons.yaml is the root template with the URLs of the others, OUT/ENVIRONMENT.json the parameters of each environment with the
# packages' place added. Credentials and endpoints are the AWS tools' own.
set -euo pipefail

ROOT=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd -P)
bucket='' prefix='' packages=$ROOT/build/packages out=$ROOT/build/deploy
usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"; }
while [[ $# -gt 0 ]]; do
  case $1 in
    --bucket) bucket=${2:?} ;;
    --prefix) prefix=${2:?} ;;
    --packages) packages=${2:?} ;;
    --out) out=${2:?} ;;
    --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift 2
done
[[ $bucket && $prefix ]] || { usage >&2; exit 2; }
compgen -G "$packages/*.zip" >/dev/null || { echo "no packages in $packages: ./dev package makes them" >&2; exit 2; }

mkdir -p "$out"
aws s3 cp --only-show-errors --recursive --exclude '*' --include '*.zip' --include '*.cdx.json' "$packages" "s3://$bucket/$prefix"
aws cloudformation package --template-file "$ROOT/deploy/cloudformation/ubertoons.yaml" --s3-bucket "$bucket" --s3-prefix "$prefix/templates" \
  --output-template-file "$out/ubertoons.yaml" >&2
for parameters in "$ROOT"/deploy/cloudformation/parameters/*.json; do
  jq --arg bucket "$bucket" --arg prefix "$prefix" '.Parameters += {CodeBucket: $bucket, CodePrefix: $prefix}' "$parameters" >"$out/$(basename "$parameters")"
done
printf '%s\n' "$out"
