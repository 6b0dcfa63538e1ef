# What Snakemake asks conda's activation for, `source activate FOLDER`; what is set outside is unset here.
export CONDA_PREFIX="$1"
export PATH="$1/bin:$PATH"
unset PYTHONHOME PYTHONPATH VIRTUAL_ENV
