#!/usr/bin/env bash
# SMAC3 in an environment of its own, beside what the bench needs of this project:
#
#     bash meta/bench/make_smac.sh /tmp/smac
#     PYTHONPATH=. /tmp/smac/bin/python meta/bench/optimizers.py run --optimizers smac --results /tmp/smac.jsonl
#
# Releases before 2.4 also need swig and a C++ compiler for their forest (pyrfr); the forest of 2.4 is scikit-learn's.
set -euo pipefail
if [ $# -ne 1 ]; then
    echo "usage: $0 FOLDER" >&2
    exit 2
fi
"${PYTHON:-python3}" -m venv "$1"
"$1/bin/python" -m pip install --quiet "smac>=2.4,<3" numpy pandas scipy scikit-learn lightgbm ConfigSpace deap psutil \
    cloudpickle joblib pyarrow
"$1/bin/python" -c "import smac; print('SMAC', smac.version)"
