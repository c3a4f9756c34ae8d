# lint.bash - what "./dev lint" and "./dev format" do; a part of ./dev.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # scratch is of ./dev

c_files() {
    find include src test bench examples contrib tools cmake -name '*.[ch]' | sort
}

# lint NAME COMMAND...: goes on after a failure, which is remembered.
lint() {
    local name=$1
    shift
    if "$@" >"$scratch/lint" 2>&1; then
        say "$name: $(tail -n 1 "$scratch/lint")"
    else
        cat "$scratch/lint"
        say "$name: failed"
        lint_failed+=" $name"
    fi
}

clang_format() {
    # the version decides the layout: 14 where there is a choice
    if command -v clang-format-14 >/dev/null; then
        clang-format-14 "$@"
    else
        clang-format "$@"
    fi
}

lint_format() {
    local file wrong=0
    while read -r file; do
        clang_format --dry-run -Werror "$file" >/dev/null 2>&1 && continue
        echo "$file: not in the project's format"
        wrong=$((wrong + 1))
    done < <(c_files)
    echo "$(c_files | wc -l) files, $wrong wrong (./dev format mends them)"
    [ "$wrong" = 0 ]
}

run_format() {
    require command:clang-format=clang-format
    c_files | while read -r file; do clang_format -i "$file"; done
}

lint_tidy() {
    # one file a process: clang-tidy 14 mixes up va_lists across files
    local files
    [ -s build/lint/compile_commands.json ] || {
        echo "the project could not be configured"
        return 1
    }
    files=$(sed -n 's/^ *"file": "\(.*\)",*$/\1/p' \
        build/lint/compile_commands.json | sort -u)
    xargs -P "${RONDO_JOBS:-2}" -n 1 clang-tidy --quiet -p build/lint \
        <<<"$files" 2>"$scratch/tidy" || {
        grep -v 'warnings\? generated' "$scratch/tidy" || true
        return 1
    }
    echo "$(wc -l <<<"$files") files, no warning"
}

lint_compile() {
    cmake --preset lint &&
        cmake --build build/lint -j "${RONDO_JOBS:-2}" &&
        echo "no warning from ${CC:-cc}"
}

lint_readme() {
    # the table is that of Linux
    [ "$(uname)" != Linux ] ||
        tools/readme-table --check build/lint/rondo-info
}

run_lint() {
    lint_failed=
    require_tests
    require command:clang-format=clang-format command:clang-tidy=clang-tidy
    heading "Lint"
    lint format lint_format
    lint includes tools/check-includes
    lint ifdefs tools/check-ifdefs
    lint files tools/check-files
    lint warnings lint_compile
    lint readme lint_readme
    lint tidy lint_tidy
    [ -z "$lint_failed" ] || fail "lint:$lint_failed"
    printf '\nlint: all clean\n'
}
