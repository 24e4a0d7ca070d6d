#!/bin/sh
# A custom runtime of Lambda as a plain shell script, which needs curl. _HANDLER says what it does.
set -u
API="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
HEADERS=$(mktemp)
trap 'rm -f "$HEADERS"; exit 0' TERM
while true; do
  EVENT=$(curl -sS -D "$HEADERS" "$API/invocation/next") || exit 1
  ID=$(grep -i '^lambda-runtime-aws-request-id:' "$HEADERS" | cut -d: -f2 | tr -d '[:space:]')
  echo "event of ${#EVENT} bytes for $AWS_LAMBDA_FUNCTION_NAME" >&2
  case $_HANDLER in
    fail) curl -sS -X POST "$API/invocation/$ID/error" \
      -d '{"errorMessage":"the script says no","errorType":"ShellError"}' >/dev/null ;;
    hang) sleep 600 & wait ;;
    twice)
      curl -sS -X POST "$API/invocation/$ID/response" -d 'SUCCESS'
      curl -sS -X POST "$API/invocation/$ID/response" -d 'SUCCESS' ;;
    die) kill -9 $$ ;;
    large) head -c 7000000 /dev/zero | curl -sS -X POST "$API/invocation/$ID/response" --data-binary @- ;;
    *) curl -sS -X POST "$API/invocation/$ID/response" -d '{"batchItemFailures":[]}' >/dev/null ;;
  esac
done
