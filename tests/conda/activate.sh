# What conda's activation does that matters to a job: `source activate FOLDER`.
export CONDA_PREFIX="$1"
export PATH="$1/bin:$PATH"
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
