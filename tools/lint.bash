# lint.bash - what "./dev lint" and "./dev format" do; a part of ./dev.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # scratch is of ./dev

folders=(include src test bench examples contrib tools cmake)

c_files() { find "${folders[@]}" -name '*.[ch]' | sort; }

# scripts LANGUAGE...: the files whose first line ends with one of them, or
# whose name does after a point.
scripts() {
    local language
    for language; do
        find dev .ci "${folders[@]}" -type f -name "*.$language"
        find dev .ci "${folders[@]}" -type f -exec awk -v language="$language" '
            FNR == 1 && $0 ~ "^#!.*[/ ]" language "$" { print FILENAME }' {} +
    done
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
    # one command a process: clang-tidy 14 mixes up va_lists across files, and
    # across the two ways in which a file may be compiled
    local files
    [ -s build/lint/compile_commands.json ] || {
        echo "the project could not be configured"
        return 1
    }
    mkdir -p build/lint/tidy
    python3 -c 'import json
commands = json.load(open("build/lint/compile_commands.json"))
first = list({c["file"]: c for c in reversed(commands)}.values())
json.dump(first, open("build/lint/tidy/compile_commands.json", "w"))
print("\n".join(sorted(c["file"] for c in first)))' >"$scratch/files"
    files=$(cat "$scratch/files")
    xargs -P "${RONDO_JOBS:-2}" -n 1 clang-tidy --quiet -p build/lint/tidy \
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

lint_objects() {
    # asks the objects, which lint_compile has made
    local folders=(build/lint/CMakeFiles/rondo_static.dir)
    if [ -d build/lint/CMakeFiles/rondo_sim.dir ]; then
        folders+=(build/lint/CMakeFiles/rondo_sim.dir)
    fi
    tools/check-objects "${folders[@]}"
}

lint_readme() {
    # the table is that of Linux
    [ "$(uname)" != Linux ] ||
        tools/platform-table --check build/lint/rondo-info
}

lint_shell() {
    local files
    files=$(scripts sh bash)
    command -v shellcheck >/dev/null || {
        echo "not checked: shellcheck is not installed"
        return
    }
    xargs shellcheck <<<"$files" &&
        echo "$(wc -l <<<"$files") files, nothing found"
}

lint_python() {
    local files
    files=$(scripts py python3)
    PYTHONPYCACHEPREFIX=$scratch/python \
        xargs python3 -W error -m py_compile <<<"$files" &&
        echo "$(wc -l <<<"$files") files compiled"
}

run_lint() {
    lint_failed=
    require_tests
    require command:clang-format=clang-format command:clang-tidy=clang-tidy
    wish command:shellcheck=shellcheck
    heading "Lint"
    lint format lint_format
    lint includes tools/check-includes
    lint ifdefs tools/check-ifdefs
    lint files tools/check-files
    lint symbols tools/symbols --check
    lint shell lint_shell
    lint python lint_python
    lint warnings lint_compile
    lint objects lint_objects
    lint readme lint_readme
    lint tidy lint_tidy
    [ -z "$lint_failed" ] || fail "lint:$lint_failed"
    printf '\nlint: all clean\n'
}
