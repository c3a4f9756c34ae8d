# demo.bash - what "./dev demo" does; a part of ./dev.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154 # scratch is of ./dev

# start PROGRAM BACKEND: sets pid and port when it listens.
start() {
    local said="$scratch/said" i
    : >"$said"
    RONDO_BACKEND=$2 "build/release/examples/$1" 0 \
        >"$said" 2>"$scratch/complaint" </dev/null &
    pid=$!
    started+=" $pid"
    for ((i = 0; i < 100; i++)); do
        port=$(sed -n 's/^listening on 127\.0\.0\.1:\([0-9]*\)$/\1/p' "$said")
        [ -z "$port" ] || return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    fail "$1 on $2 does not listen: $(cat "$scratch/complaint")"
}

# stop NAME: it must still run, and ends now.
stop() {
    kill "$pid" 2>/dev/null || fail "$1 has ended: $(cat "$scratch/complaint")"
    wait "$pid" 2>/dev/null || true
    started=${started/ $pid/}
}

demo_echo() {
    local answer size=5000000 begun
    start echo "$1"
    answer=$(printf 'hello, loop\n' | timeout 5 nc -N 127.0.0.1 "$port") ||
        fail "nc got no answer from echo on $1"
    [ "$answer" = "hello, loop" ] || fail "echo on $1 answered \"$answer\""
    say "echo, port $port: nc sent \"hello, loop\" and got it back"
    begun=$SECONDS
    timeout 20 nc -N 127.0.0.1 "$port" <"$scratch/bytes" >"$scratch/back" ||
        fail "nc did not get its $size bytes back from echo on $1"
    cmp -s "$scratch/bytes" "$scratch/back" ||
        fail "echo on $1 changed the bytes it sent back"
    say "echo, port $port: nc sent $size random bytes and got the same back" \
        "($((SECONDS - begun)) s)"
    stop echo
}

demo_hello() {
    local url told
    start hello "$1"
    url=http://127.0.0.1:$port
    told=$(curl --noproxy '*' -sS --max-time 5 -w '%{http_code} %{num_connects} ' \
        -o "$scratch/one" "$url/one" -o "$scratch/two" "$url/two") ||
        fail "curl failed on hello on $1"
    # num_connects: the second address needed no new connection
    [ "$told" = "200 1 200 0 " ] ||
        fail "hello on $1: curl saw \"$told\" instead of \"200 1 200 0\""
    for url in one two; do
        [ -s "$scratch/$url" ] || fail "hello on $1 sent no text"
    done
    say "hello, port $port: curl got \"$(head -n 1 "$scratch/one")\" twice," \
        "both over one connection"
    stop hello
}

# wait_for TEXT FILE: it is written there before long.
wait_for() {
    local i
    for ((i = 0; i < 100; i++)); do
        ! grep -qs "$1" "$2" || return 0
        sleep 0.05
    done
    return 1
}

# Two people in a chat by a unix socket: what one says the other hears.
demo_chat() {
    local path="$scratch/chat-$1" heard="$scratch/heard" ear
    RONDO_BACKEND=$1 build/release/examples/chat "$path" \
        >"$scratch/said" 2>"$scratch/complaint" </dev/null &
    pid=$!
    started+=" $pid"
    wait_for "listening on $path" "$scratch/said" ||
        fail "chat on $1 does not listen: $(cat "$scratch/complaint")"
    nc -d -U "$path" >"$heard" </dev/null &
    ear=$!
    started+=" $ear"
    wait_for hello "$heard" || fail "chat on $1 does not greet"
    printf 'is anybody here?\n' | timeout 5 nc -N -U "$path" >/dev/null ||
        fail "nc could not say anything to chat on $1"
    wait_for anybody "$heard" || fail "chat on $1 did not pass on what was said"
    say "chat, by a unix socket: nc -U heard what another nc -U said"
    stop chat
    wait "$ear" 2>/dev/null || true
    started=${started/ $ear/}
}

run_demo() {
    local backend backends begun=$SECONDS
    require_build
    require command:curl=curl nc:nc=netcat-openbsd
    build release
    backends=$(build/release/rondo-info --backends | tr '\n' ' ')
    [ -n "$backends" ] || fail "no backend works here"
    head -c 5000000 /dev/urandom >"$scratch/bytes"

    heading "What this system can do (rondo-info)"
    timeout 10 build/release/rondo-info || fail "rondo-info failed"
    for backend in $backends; do
        heading "$backend: an echo server, an HTTP server, a chat"
        demo_echo "$backend"
        demo_hello "$backend"
        demo_chat "$backend"
    done
    for backend in $backends; do
        heading "$backend: timers, posts, a proxy, many clients"
        timeout 100 build/release/examples/rondo-demo --backend "$backend" ||
            fail "rondo-demo on $backend failed (exit code $?)"
    done
    heading "Done"
    say "everything answered as it should on: $backends"
    say "$((SECONDS - begun)) s in all, building included"
}
