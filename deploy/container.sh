#!/bin/sh
# The container's entry point: web, worker or migrate; or any command of manage.py.
set -eu

port="${PORT:-8000}"
command="${1:-web}"
[ "$#" -eq 0 ] || shift

case "$command" in
    web) exec python manage.py serve --host 0.0.0.0 --port "$port" "$@" ;;
    worker) exec python manage.py work --host 0.0.0.0 --port "$port" "$@" ;;
    migrate) exec python manage.py migrate --no-input "$@" ;;
    *) exec python manage.py "$command" "$@" ;;
esac
