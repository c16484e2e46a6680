#!/bin/sh
# Build the image without a registry and start it once: `make image-check`. Needs root, buildah and debootstrap (Debian).
#
# The base image is replaced by Debian 13 from debootstrap, which has the same Python, under the Dockerfile's base name.
# Everything is kept in .cache/image. The certificates of this machine are copied, so that pip works behind its proxy.
set -eu
cd "$(dirname "$0")/.."
for program in buildah debootstrap chroot; do
    command -v "$program" >/dev/null || { echo "$program is needed: sudo apt-get install buildah debootstrap" >&2; exit 1; }
done
test "$(id -u)" = 0 || { echo 'root is needed for debootstrap and for the chroot of the build: sudo make image-check' >&2; exit 1; }

cache=$PWD/.cache/image
base=$cache/base
port=${PORT:-5055}
name=$(sed -n 's/^FROM //p' deploy/Dockerfile)
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
storage="--root $cache/storage --runroot $cache/run"
container=
cleanup() {
    test -z "${server:-}" || kill "$server" 2>/dev/null || true
    test -z "$container" || buildah $storage rm "$container" >/dev/null
}
trap cleanup EXIT

if [ ! -e "$base/usr/local/bin/pip" ]; then
    rm -rf "$base"
    mkdir -p "$base"
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python-is-python3 trixie "$base"
    cp /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/"
    cp /etc/resolv.conf "$base/etc/resolv.conf"
    rm -f "$base"/usr/lib/python3*/EXTERNALLY-MANAGED
    chroot "$base" pip install --quiet --root-user-action ignore --ignore-installed pip   # one that may replace itself
    chroot "$base" apt-get purge -qq -y --auto-remove python3-pip
fi
python_of_image=${name#python:}
python_of_image=${python_of_image%%-*}
chroot "$base" python --version | grep -F "Python $python_of_image." ||
    { echo "expected Python $python_of_image in Debian 13, received another: change the release in this script" >&2; exit 1; }

blank=$(buildah $storage from scratch)
buildah $storage add --quiet "$blank" "$base" / >/dev/null
buildah $storage config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$blank"
buildah $storage commit --quiet --rm "$blank" "docker.io/library/$name" >/dev/null
buildah $storage build --format docker --pull=never --network host --ignorefile deploy/Dockerfile.dockerignore -f deploy/Dockerfile -t emotion .

container=$(buildah $storage from --pull=never localhost/emotion)
command=$(sed -n 's/^CMD \["\(.*\)"\]$/\1/p' deploy/Dockerfile | sed 's/", "/ /g')
buildah $storage run --network host --env PORT="$port" --env EMOTION_WORKERS=1 "$container" -- $command &
server=$!
for _ in $(seq 120); do
    kill -0 "$server" 2>/dev/null || { echo 'expected a running server, it ended' >&2; exit 1; }
    if answer=$(curl -fsS "http://127.0.0.1:$port/readyz" 2>/dev/null); then
        echo "the image serves: $answer"
        exit 0
    fi
    sleep 0.5
done
echo 'expected /readyz to answer 200 within 60 s, it did not' >&2
exit 1
