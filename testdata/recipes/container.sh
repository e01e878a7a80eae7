#!/usr/bin/env bash
# Makes of a Linux program hivepatch what the Dockerfile beside this script makes,
# as a folder in the OCI image layout, without an engine and without root: skopeo,
# podman, crane and containerd take it. The same program gives the same bytes.
# Needs GNU tar, gzip and jq.
# Usage: container.sh PROGRAM ARCHITECTURE OUTDIR      (amd64, arm64 or 386)
set -euo pipefail
if [ $# -ne 3 ]; then
	echo "usage: ${0##*/} PROGRAM ARCHITECTURE OUTDIR" >&2
	exit 2
fi
program=$1 architecture=$2 out=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out/blobs/sha256"

# blob TYPE FILE moves a file to where its digest says, and prints its descriptor.
blob() {
	local digest size
	digest=$(sha256sum <"$2" | cut -d' ' -f1)
	size=$(stat -c %s "$2")
	mv "$2" "$out/blobs/sha256/$digest"
	jq -nc --arg type "$1" --arg digest "sha256:$digest" --argjson size "$size" \
		'{mediaType: $type, digest: $digest, size: $size}'
}

install -D -m 755 "$program" "$work/root/hivepatch"
tar --create --directory "$work/root" --owner=0 --group=0 --numeric-owner --mtime @0 \
	--format=ustar hivepatch >"$work/layer"
content=$(sha256sum <"$work/layer" | cut -d' ' -f1)
gzip --no-name "$work/layer"
layer=$(blob application/vnd.oci.image.layer.v1.tar+gzip "$work/layer.gz")

jq -nc --arg architecture "$architecture" --arg content "sha256:$content" '{
	architecture: $architecture, os: "linux",
	config: {User: "65532:65532", Entrypoint: ["/hivepatch"]},
	rootfs: {type: "layers", diff_ids: [$content]}
}' >"$work/config"
config=$(blob application/vnd.oci.image.config.v1+json "$work/config")

jq -nc --argjson config "$config" --argjson layer "$layer" '{
	schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
	config: $config, layers: [$layer]
}' >"$work/manifest"
manifest=$(blob application/vnd.oci.image.manifest.v1+json "$work/manifest")

jq -nc --argjson manifest "$manifest" --arg architecture "$architecture" '{
	schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
	manifests: [$manifest + {
		platform: {architecture: $architecture, os: "linux"},
		annotations: {"org.opencontainers.image.ref.name": "hivepatch"}
	}]
}' >"$out/index.json"
echo '{"imageLayoutVersion":"1.0.0"}' >"$out/oci-layout"
