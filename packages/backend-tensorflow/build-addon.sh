#!/bin/sh
# Builds the addon of tfjs-node, or tfjs-node-gpu, on the TensorFlow library of a wheel from PyPI. Wants a C++ compiler, make, Python and unzip.
#   sh build-addon.sh tfjs-node|tfjs-node-gpu WHEEL [FOLDER_WITH_NODE_MODULES]
set -eu
name=${1:?"which package: tfjs-node or tfjs-node-gpu"}
wheel=${2:?"the wheel: pip download --no-deps tensorflow-cpu==2.15.1, or tensorflow==2.15.1 for a GPU"}
package=$(cd "${3:-.}/node_modules/@tensorflow/$name" && pwd -P)
# The library stays where the addon looks for it when it is loaded.
mkdir -p "$package/deps/lib"
unzip -q -o "$wheel" 'tensorflow/include/*' 'tensorflow/libtensorflow_*.so.2' -d "$package/deps/wheel"
ln -sfn wheel/tensorflow/include "$package/deps/include"
cd "$package/deps/lib"
for library in libtensorflow_cc.so.2 libtensorflow_framework.so.2; do ln -sf "../wheel/tensorflow/$library" "$library"; done
ln -sf libtensorflow_cc.so.2 libtensorflow.so # what the linker is told to take
ln -sf libtensorflow_framework.so.2 libtensorflow_framework.so
cd "$package"
# Headers that came with Node.js need no download.
headers=$(dirname "$(dirname "$(command -v node)")")
if [ -f "$headers/include/node/node_api.h" ]; then set -- "--nodedir=$headers"; else set --; fi
npx --yes node-gyp@11 rebuild "$@" --module_name=tfjs_binding --module_path="$package/lib/napi-v8" --napi_build_version=8 --napi_version=8
