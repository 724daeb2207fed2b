# shellcheck shell=bash
# Sourced by the bundle's commands: unpacks runtime and jars once, below a temporary directory, and sets $home to where
# they are and $java to the command line that every JVM starts with.

bundle=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 2
}

unxz() {
    if command -v xz >/dev/null; then
        xz -dc "$1"
    elif command -v python3 >/dev/null; then
        python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$1"
    else
        fail "neither xz nor python3 is here to unpack $1; unpack it on another machine (tar -xJf) and name the folder in CUFRAMES_GPU_HOME"
    fi
}

# Several commands may be started at once: each unpacks into a folder of its own, the first to finish is taken.
unpack() {
    local base=$1 name=$2 part
    part=$(mktemp -d "$base/unpacking.XXXXXXXX")
    chmod 755 "$part"
    echo "${0##*/}: unpacking into $base/$name" >&2
    (cd "$bundle" && sha256sum --quiet -c pack.sha256 >&2) || fail "$bundle/pack.tar.xz is damaged; copy the bundle again"
    unxz "$bundle/pack.tar.xz" | tar -x -C "$part" || fail "$bundle/pack.tar.xz cannot be unpacked into $part; see that there is room"
    mv -T "$part" "$base/$name" 2>/dev/null || rm -rf "$part"
    [[ -x $base/$name/runtime/bin/java ]] || fail "$base/$name is not complete; remove it and start again"
}

if [[ -n ${CUFRAMES_GPU_HOME:-} ]]; then
    home=$CUFRAMES_GPU_HOME
    [[ -x $home/runtime/bin/java ]] || fail "CUFRAMES_GPU_HOME=$home has no runtime/bin/java; unpack pack.tar.xz there"
else
    base=${TMPDIR:-/tmp}/cuframes-gpu-$UID
    mkdir -p "$base"
    [[ -O $base ]] || fail "$base belongs to somebody else; set TMPDIR to a folder of your own"
    # a test starts processes of another user, which read it
    chmod 755 "$base"
    # a new bundle is unpacked beside an old one
    home=$base/$(cut -c 1-16 "$bundle/pack.sha256")
    [[ -x $home/runtime/bin/java ]] || unpack "$base" "${home##*/}"
fi

mkdir -p "$home/natives" "$home/tmp"
java=("$home/runtime/bin/java"
    "-Djava.io.tmpdir=$home/tmp"
    "-Dorg.bytedeco.javacpp.cachedir=$home/natives"
    "-Djna.tmpdir=$home/tmp")
feature=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/runtime/release")
if ((feature >= 22)); then
    java+=(--enable-native-access=ALL-UNNAMED)
fi

# shellcheck disable=SC2034
classpath=$home/test-classes:$home/cuframes-producer.jar:$home/cuframes-subscriber.jar:$home/junit-console.jar
# shellcheck disable=SC2034
test_properties=("-Dcuframes.clips=$bundle/clips"
    "-Dcuframes.producer.jar=$home/cuframes-producer.jar"
    "-Dcuframes.subscriber.jar=$home/cuframes-subscriber.jar"
    "-Dcuframes.cpp.checksum=$bundle/cpp-checksum"
    "-Dcuframes.cpp.tests=$bundle/cpp-tests"
    "-Dcuframes.python=$bundle/python")
# the one that has torch, perhaps
export CUFRAMES_PYTHON=${CUFRAMES_PYTHON:-$(command -v python3 || true)}
# benchmarks first: their logback.xml says only what goes wrong
# shellcheck disable=SC2034
benchmark_classpath=$home/benchmarks/classes:$home/benchmarks/HdrHistogram.jar:$home/cuframes-producer.jar:$home/cuframes-subscriber.jar

# What the output comes from; $logs is where the caller keeps it.
machine() {
    if command -v nvidia-smi >/dev/null; then
        nvidia-smi --query-gpu=name,driver_version,uuid --format=csv,noheader 2>&1 | sed 's/^/gpu: /' || true
    else
        echo "gpu: unknown, no nvidia-smi here"
    fi
    echo "machine: $(uname -sr), $(nproc) processors"
    echo "runtime: $("${java[@]}" -version 2>&1 | sed -n 2p)"
    echo "bundle: $(<"$bundle/version")"
    echo "logs: $logs"
}
